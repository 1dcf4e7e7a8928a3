// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// call is one HTTP request on its way.
type call struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	begin   time.Time
	latest  time.Time // of the model's latest chunk
	body    []byte
	sent    bool // the status is on its way
	report  Report
}

func newCall(s *Server, w http.ResponseWriter, r *http.Request) *call {
	now := time.Now()
	c := &call{server: s, w: w, r: r, control: http.NewResponseController(w), begin: now, latest: now}
	c.report = Report{ID: "req_" + rand.Text(), Key: -1}
	w.Header().Set("X-Request-Id", c.report.ID)
	return c
}

// observe tells the observer; its panic is its own loss.
func (c *call) observe(tell func(Observer)) {
	_ = protect(func() error {
		tell(c.server.options.observer)
		return nil
	})
}

// chunk notes that a piece of the answer came.
func (c *call) chunk() {
	now := time.Now()
	first, wait := c.report.FirstChunk == 0, now.Sub(c.latest)
	if first {
		c.report.FirstChunk = max(1, wait)
	}
	c.latest = now
	c.observe(func(o Observer) { o.Chunk(c.report.Endpoint, first, wait) })
}

// readBody reads the body of a JSON request.
func (c *call) readBody() error {
	media, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &problem{status: http.StatusUnsupportedMediaType, kind: kindRequest, code: "unsupported_media_type",
			message: "Content-Type: want application/json in UTF-8"}
	}
	if encoding := c.r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return &problem{status: http.StatusUnsupportedMediaType, kind: kindRequest, code: "unsupported_media_type",
			message: "Content-Encoding: bodies are not decompressed"}
	}
	limit := c.server.options.maxBody
	if c.r.ContentLength > limit {
		return tooLarge(limit)
	}
	c.deadline(c.control.SetReadDeadline)
	c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		// Without a deadline: reading goes on, to notice when the client leaves.
		_ = c.control.SetReadDeadline(time.Time{})
		return nil
	case errors.As(err, &large):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{status: http.StatusRequestTimeout, kind: kindRequest, code: "body_timeout",
			message: "the body did not come in time"}
	case c.r.Context().Err() != nil:
		return errGone
	}
	p := badRequest("", "the body ends early")
	p.code, p.cause = "body_incomplete", err
	return p
}

// deadline sets one for what the client is to do next. A writer that has none, as
// in tests, is left as it is.
func (c *call) deadline(set func(time.Time) error) {
	_ = set(time.Now().Add(c.server.options.stall))
}

func tooLarge(limit int64) *problem {
	p := badRequest("", "the body has more than %d bytes", limit)
	p.status, p.code = http.StatusRequestEntityTooLarge, "body_too_large"
	return p
}

// reply writes a whole answer.
func (c *call) reply(status int, body any) error {
	data, err := marshal(body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	c.status(status)
	return c.write(data)
}

// stream begins a stream of events.
func (c *call) stream() {
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx is to pass events on at once
	c.report.Streamed = true
	c.status(http.StatusOK)
}

func (c *call) status(status int) {
	c.sent, c.report.Status = true, status
	c.w.WriteHeader(status)
}

// event writes events to the stream, and sees them off.
func (c *call) event(bodies ...any) error {
	var out bytes.Buffer
	for _, body := range bodies {
		data, err := marshal(body)
		if err != nil {
			return err
		}
		out.WriteString("data: ")
		out.Write(data)
		out.WriteString("\n") // marshal wrote the line's own end
	}
	return c.write(out.Bytes())
}

// done ends a stream that is complete.
func (c *call) done() error { return c.write([]byte("data: [DONE]\n\n")) }

// write sends bytes, for which the client has the stall timeout. What it fails with
// is the client's doing.
func (c *call) write(data []byte) error {
	c.deadline(c.control.SetWriteDeadline)
	_, err := c.w.Write(data)
	if err == nil {
		err = c.control.Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &problem{status: statusGone, message: "the client takes in nothing", cause: err}
	}
	_ = c.control.SetWriteDeadline(time.Time{}) // the connection may serve others
	return nil
}

// fail tells the client what went wrong: by the status, or by an event where a stream
// has begun.
func (c *call) fail(err error) {
	p := explain(err)
	c.report.Err, c.report.Code = err, p.code
	switch {
	case !c.sent:
		p.header(c.w.Header())
		_ = c.reply(p.status, p.shape())
	case p.status == statusGone:
		c.report.Status = p.status
	case c.report.Streamed:
		c.report.Status = p.status
		_ = c.event(p.shape())
	}
}

// marshal returns a value's JSON and a line end. Text stays as it is: no browser
// reads this as HTML.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return out.Bytes(), err
}

func (s *Server) healthz(_ context.Context, c *call) error {
	switch {
	case s.drain.begun():
		return errDraining
	case s.sick.Load():
		return overloaded("the model is closed or broken")
	}
	return c.reply(http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}
