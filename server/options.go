// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Option configures Handler. One out of range is an error of Handler.
type Option func(*options) error

type options struct {
	names       []string            // of the model; the first is the one told
	keys        [][sha256.Size]byte // none: everybody may ask
	rate        float64             // requests a second; 0 for no limit
	burst       int
	maxBody     int64 // bytes
	maxTokens   int   // of an answer; 0 for the model's own limit
	timeout     time.Duration
	stall       time.Duration
	concurrency int
	inspect     []RequestFilter
	filter      func() TextFilter // nil for none
	observer    Observer
}

func newOptions(opts []Option) (*options, error) {
	o := &options{
		names:       []string{"zen"},
		maxBody:     1 << 20,
		timeout:     10 * time.Minute,
		stall:       30 * time.Second,
		concurrency: 2048,
		observer:    nobody{},
	}
	for _, opt := range opts {
		if err := opt(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// WithModel names the model, "zen" by default. A request may use any of the names
// or none; another one is not found.
func WithModel(name string, others ...string) Option {
	return func(o *options) error {
		o.names = append([]string{name}, others...)
		if slices.Contains(o.names, "") {
			return errors.New("server: WithModel: an empty name")
		}
		return nil
	}
}

// WithKeys asks every request but healthz for one of these bearer keys. Only their
// hashes are kept. Without this option everybody may ask.
func WithKeys(keys ...string) Option {
	return func(o *options) error {
		if len(keys) == 0 {
			return errors.New("server: WithKeys: no keys")
		}
		for i, key := range keys {
			if key == "" {
				return fmt.Errorf("server: WithKeys: key %d of %d is empty", i+1, len(keys))
			}
			hash := sha256.Sum256([]byte(key))
			if slices.Contains(o.keys, hash) {
				return fmt.Errorf("server: WithKeys: key %d of %d is there twice", i+1, len(keys))
			}
			o.keys = append(o.keys, hash)
		}
		return nil
	}
}

// WithRate lets each key make so many POST requests a second on average, and burst
// of them at once. Without keys the limit is one for all.
func WithRate(perSecond float64, burst int) Option {
	return func(o *options) error {
		if !(perSecond > 0) || math.IsInf(perSecond, 1) || burst < 1 {
			return fmt.Errorf("server: WithRate(%v, %d), want a positive rate and a burst of at least 1", perSecond, burst)
		}
		o.rate, o.burst = perSecond, burst
		return nil
	}
}

// WithBodyLimit bounds a request's body, in bytes: 1 MiB by default.
func WithBodyLimit(bytes int64) Option {
	return positive("WithBodyLimit", bytes, func(o *options) *int64 { return &o.maxBody })
}

// WithMaxTokens bounds answers, in tokens: a request that asks for more is refused,
// one that does not say gets at most n. The model's context is a limit of its own.
func WithMaxTokens(n int) Option {
	return positive("WithMaxTokens", n, func(o *options) *int { return &o.maxTokens })
}

// WithTimeout bounds the time from a request's last byte to its answer's: 10
// minutes by default.
func WithTimeout(d time.Duration) Option {
	return positive("WithTimeout", d, func(o *options) *time.Duration { return &o.timeout })
}

// WithStallTimeout bounds the time a client takes to send its body and to take in
// each piece of an answer: 30 seconds by default. It replaces the ReadTimeout and
// WriteTimeout of the http.Server for these requests.
func WithStallTimeout(d time.Duration) Option {
	return positive("WithStallTimeout", d, func(o *options) *time.Duration { return &o.stall })
}

// WithConcurrency lets n requests be served at a time, 2,048 by default, those that
// wait for the model included. One more is refused with status 503.
func WithConcurrency(n int) Option {
	return positive("WithConcurrency", n, func(o *options) *int { return &o.concurrency })
}

// WithRequestFilter shows requests to f before the model sees them. Several filters
// are asked in the order of the options.
func WithRequestFilter(f RequestFilter) Option {
	return func(o *options) error {
		if f == nil {
			return errors.New("server: WithRequestFilter(nil)")
		}
		o.inspect = append(o.inspect, f)
		return nil
	}
}

// WithTextFilter passes each answer through a filter of its own, which start makes.
// Requests for log-probabilities are then refused, and no token ids are told: they
// would tell what the filter hides.
func WithTextFilter(start func() TextFilter) Option {
	return func(o *options) error {
		if start == nil {
			return errors.New("server: WithTextFilter(nil)")
		}
		o.filter = start
		return nil
	}
}

// WithObserver tells observer of every request but healthz.
func WithObserver(observer Observer) Option {
	return func(o *options) error {
		if observer == nil {
			return errors.New("server: WithObserver(nil)")
		}
		o.observer = observer
		return nil
	}
}

func positive[T int | int64 | time.Duration](name string, n T, field func(*options) *T) Option {
	return func(o *options) error {
		if n < 1 {
			return fmt.Errorf("server: %s(%v), want more than 0", name, n)
		}
		*field(o) = n
		return nil
	}
}
