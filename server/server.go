// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/tokenizer"
)

// Server is an http.Handler over one model. It is safe for concurrent use and does
// not close the model.
type Server struct {
	generator zen.Generator
	options   *options
	created   time.Time
	limiters  []*limiter // of each key, or one
	slots     chan struct{}
	drain     *drain
	sick      atomic.Bool // the latest request found the model closed or broken
}

// Handler returns a handler over g, such as a *zen.Model or a fake of package
// zentest. With g's methods Encode and Tokenizer it counts and spells tokens, and
// offers embeddings where g is an Embedder. An option out of range is an error.
func Handler(g zen.Generator, opts ...Option) (*Server, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	s := &Server{
		generator: g,
		options:   o,
		created:   time.Now(),
		slots:     make(chan struct{}, o.concurrency),
		drain:     newDrain(),
	}
	for range max(1, len(o.keys)) {
		s.limiters = append(s.limiters, newLimiter(o.rate, o.burst))
	}
	return s, nil
}

// tokenized is what a model with a tokenizer has beside zen.Generator.
type tokenized interface {
	Tokenizer() tokenizer.Tokenizer
	Encode(req zen.Request) ([]int32, error)
}

// tokenizer returns the model's, or nil.
func (s *Server) tokenizer() tokenizer.Tokenizer {
	if m, ok := s.generator.(tokenized); ok {
		return m.Tokenizer()
	}
	return nil
}

// route is what serves a path.
type route struct {
	endpoint string // its name for an Observer
	method   string
	open     bool // needs no key, is never refused for load
	serve    func(context.Context, *call) error
}

func (s *Server) route(path string) (route, bool) {
	post := func(endpoint string, serve func(context.Context, *call) error) (route, bool) {
		return route{endpoint, http.MethodPost, false, serve}, true
	}
	switch path {
	case "/v1/chat/completions":
		return post("chat", s.chat)
	case "/v1/completions":
		return post("completions", s.completions)
	case "/v1/embeddings":
		return post("embeddings", s.embeddings)
	case "/v1/generate":
		return post("generate", s.generate)
	case "/v1/models":
		return route{"models", http.MethodGet, false, s.models}, true
	case "/healthz":
		return route{"healthz", http.MethodGet, true, s.healthz}, true
	}
	if id, ok := strings.CutPrefix(path, "/v1/models/"); ok && id != "" {
		return route{"models", http.MethodGet, false, func(_ context.Context, c *call) error { return s.model(c, id) }}, true
	}
	return route{}, false
}

// ServeHTTP answers a request. It does not panic.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCall(s, w, r)
	route, found := s.route(r.URL.Path)
	if found {
		c.report.Endpoint = route.endpoint
	}
	observed := !found || !route.open
	if observed {
		c.observe(func(o Observer) { o.Begin(c.report.Endpoint) })
	}
	err := protect(func() error {
		if !found {
			return notFound("no such path: " + r.URL.Path)
		}
		return s.serve(c, route)
	})
	if err != nil {
		c.fail(err)
	}
	c.report.Duration = time.Since(c.begin)
	if observed {
		c.observe(func(o Observer) { o.End(c.report) })
	}
}

// serve lets a request through to its route.
func (s *Server) serve(c *call, route route) error {
	if !route.open {
		if err := s.authenticate(c); err != nil {
			return err
		}
	}
	if method := c.r.Method; method != route.method && (route.method != http.MethodGet || method != http.MethodHead) {
		return wrongMethod(method, route.method)
	}
	if route.method != http.MethodPost {
		return route.serve(c.r.Context(), c)
	}
	if s.drain.begun() {
		return errDraining
	}
	if err := s.limiters[max(0, c.report.Key)].take(); err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return overloaded("%d requests are being served", cap(s.slots))
	}
	if err := c.readBody(); err != nil {
		return err
	}
	ctx, leave, ok := s.drain.enter(c.r.Context())
	if !ok {
		return errDraining
	}
	defer leave()
	if d := s.options.timeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, errTimeout)
		defer cancel()
	}
	err := route.serve(ctx, c)
	if cause := context.Cause(ctx); err != nil && cause != nil && isContext(err) {
		return because(cause, c.r.Context())
	}
	return err
}

// Shutdown refuses further requests with status 503, which healthz then has too, and
// waits for those that run. Once ctx is done it ends them, streams with an event of
// the error, waits for that, and returns ctx's error. Call it before the
// http.Server's own Shutdown. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error { return s.drain.wait(ctx) }
