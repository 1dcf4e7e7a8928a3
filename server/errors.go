// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/zenlm/zen"
)

// Refusal is the error with which a filter refuses a request or stops an answer.
type Refusal struct {
	Message string // for the client
}

// Error returns the message.
func (r *Refusal) Error() string { return "server: refused: " + r.Message }

// statusGone is what a report says of a request whose client has left; nobody
// receives it.
const statusGone = 499

// problem is an error as the client gets it.
type problem struct {
	status  int
	message string
	kind    string
	param   string
	code    string
	retry   time.Duration // when to try again; 0 says nothing
	allow   string        // the method that is
	cause   error         // for the report, where it says more
}

func (p *problem) Error() string {
	if p.cause != nil {
		return "server: " + p.message + ": " + p.cause.Error()
	}
	return "server: " + p.message
}

func (p *problem) Unwrap() error { return p.cause }

const (
	kindRequest = "invalid_request_error"
	kindServer  = "server_error"
)

var (
	errTimeout = &problem{status: http.StatusGatewayTimeout, kind: kindServer, code: "timeout",
		message: "the answer took too long"}
	errDraining = &problem{status: http.StatusServiceUnavailable, kind: kindServer, code: "shutting_down", retry: time.Second,
		message: "the server is shutting down"}
	errGone = &problem{status: statusGone, kind: kindRequest, code: "client_closed_request", message: "the client has left"}
)

func badRequest(param, format string, args ...any) *problem {
	message := fmt.Sprintf(format, args...)
	if param != "" {
		message = param + ": " + message
	}
	return &problem{status: http.StatusBadRequest, kind: kindRequest, param: param, code: "invalid_value", message: message}
}

// unsupported refuses what would change the answer and is not implemented.
func unsupported(param, format string, args ...any) *problem {
	p := badRequest(param, format, args...)
	p.code = "unsupported"
	return p
}

func notFound(message string) *problem {
	return &problem{status: http.StatusNotFound, kind: kindRequest, code: "not_found", message: message}
}

func wrongMethod(got, want string) *problem {
	return &problem{status: http.StatusMethodNotAllowed, kind: kindRequest, code: "method_not_allowed", allow: want,
		message: fmt.Sprintf("method %s, want %s", got, want)}
}

func unauthorized(message string) *problem {
	return &problem{status: http.StatusUnauthorized, kind: kindRequest, code: "invalid_api_key", message: message}
}

func tooMany(wait time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, kind: "requests", code: "rate_limit_exceeded", retry: wait,
		message: fmt.Sprintf("too many requests: try again in %v", wait.Round(time.Millisecond))}
}

func overloaded(format string, args ...any) *problem {
	return &problem{status: http.StatusServiceUnavailable, kind: kindServer, code: "overloaded", retry: time.Second,
		message: fmt.Sprintf(format, args...)}
}

// because returns the problem for a request whose context ended by cause.
func because(cause error, client context.Context) *problem {
	var p *problem
	switch {
	case errors.As(cause, &p):
		return p
	case errors.Is(client.Err(), context.DeadlineExceeded):
		return errTimeout
	}
	return errGone
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// explain returns the problem for an error of the model or of a filter.
func explain(err error) *problem {
	var p *problem
	var refusal *Refusal
	var request *zen.RequestError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refusal):
		return &problem{status: http.StatusBadRequest, kind: kindRequest, code: "content_filter", message: refusal.Message, cause: err}
	case errors.As(err, &request):
		p = badRequest(request.Field, "%v", request.Err)
	case errors.Is(err, zen.ErrContextLength):
		p = badRequest("", "%v", err)
		p.code = "context_length_exceeded"
	case errors.Is(err, zen.ErrInvalidRequest):
		p = badRequest("", "%v", err)
	case errors.Is(err, zen.ErrUnsupported):
		p = unsupported("", "%v", err)
	case errors.Is(err, zen.ErrOverloaded):
		p = overloaded("the model is busy: try again")
	case errors.Is(err, zen.ErrClosed):
		p = overloaded("the model is closed")
		p.code, p.retry = "closed", 0
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	default: // what went wrong inside is for the report alone
		p = &problem{status: http.StatusInternalServerError, kind: kindServer, code: "internal_error", message: "internal error"}
	}
	p.cause = err
	return p
}

// shape is the JSON of a problem.
type shape struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func (p *problem) shape() any {
	var s shape
	s.Error.Message, s.Error.Type = p.message, p.kind
	if p.param != "" {
		s.Error.Param = &p.param
	}
	if p.code != "" {
		s.Error.Code = &p.code
	}
	return s
}

// header sets what the status calls for beside the body.
func (p *problem) header(h http.Header) {
	if p.retry > 0 {
		h.Set("Retry-After", fmt.Sprint(int64(math.Ceil(p.retry.Seconds()))))
	}
	switch p.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusGatewayTimeout:
		h.Set("X-Should-Retry", "false") // OpenAI's clients would ask twice more
	case http.StatusMethodNotAllowed:
		h.Set("Allow", p.allow)
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // the rest of the body is not waited for
	}
}

// protect returns f's error, or its panic as one.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", zen.ErrPanic, p, debug.Stack())
		}
	}()
	return f()
}
