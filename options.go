// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"fmt"
	"log/slog"

	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
)

// DType is an element type, as the KV cache's.
type DType = tensor.DType

// The types a KV cache can have.
const (
	F32  = tensor.F32
	F16  = tensor.F16
	BF16 = tensor.BF16
	I8   = tensor.I8 // 8.5 bits an element, blocks of 32 with an F16 scale
)

// The formats WithWeights can bring weights into.
const (
	Int8 = tensor.Q8 // 8.25 bits a weight, blocks of 64 with an F16 scale
	Int4 = tensor.Q4 // 4.5 bits a weight, blocks of 32 with an F16 scale
)

// Option configures Load. An option out of range is an error of Load.
type Option func(*options) error

type options struct {
	backend       string
	workers       int
	context       int   // tokens; 0 for the model's
	weights       DType // Int8, Int4 or Invalid for the checkpoint's
	kvType        DType // Invalid for the weights' choice
	kvBudget      int64 // bytes; 0 for the default
	maxActive     int
	roomForAll    bool // maxActive was given: the default KV cache should hold them
	maxWaiting    int
	prefillTokens int // 0 for the backend's
	draftTokens   int
	noReuse       bool
	deterministic bool
	rounding      bool
	logger        *slog.Logger
	progress      func(Progress)
}

// Progress is how far Load has come.
type Progress struct {
	Done, Total int64 // bytes of weights
}

func newOptions(opts []Option) (*options, error) {
	o := &options{
		backend:    "cpu",
		maxActive:  16,
		maxWaiting: 1024,
		logger:     slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		if err := opt(o); err != nil {
			return nil, err
		}
	}
	if o.prefillTokens == 0 {
		o.prefillTokens = stepTokens(o.backend)
	}
	return o, nil
}

// stepTokens returns the default of WithPrefill: tokens that take a CPU of a few
// cores up to about a second, and a GPU some 20 to 40 ms, at a few billion weights.
func stepTokens(backend string) int {
	if backend == "cpu" {
		return 128
	}
	return 512
}

// WithBackend runs the model on the named backend, "cpu" by default. A backend
// other than "cpu" is linked by importing its package.
func WithBackend(name string) Option {
	return func(o *options) error {
		o.backend = name
		return nil
	}
}

// WithWeights quantises the checkpoint's matrices to Int8 or Int4 while they are
// read. They then take memory of their own; Model.Save keeps them for a start
// without this work. A checkpoint that is quantised otherwise already is refused.
func WithWeights(format DType) Option {
	return func(o *options) error {
		if format != Int8 && format != Int4 {
			return fmt.Errorf("zen: WithWeights(%v), want Int8 or Int4", format)
		}
		o.weights = format
		return nil
	}
}

// WithWorkers lets n threads share the work of a step. The default is the number
// of CPUs the process may use. The answer does not depend on it.
func WithWorkers(n int) Option {
	return positive("WithWorkers", n, func(o *options) *int { return &o.workers })
}

// WithContext limits prompt and answer together to n tokens, at most the model's
// max_position_embeddings, which is the default. It bounds the default KV budget.
func WithContext(n int) Option {
	return positive("WithContext", n, func(o *options) *int { return &o.context })
}

// WithBatch lets n requests share steps, 16 by default, as far as the KV cache holds
// them; the default cache grows with it, see WithKVBudget. More of them wait.
func WithBatch(n int) Option {
	return positive("WithBatch", n, func(o *options) *int {
		o.roomForAll = true
		return &o.maxActive
	})
}

// WithQueue lets n requests wait, 1,024 by default. One more is refused with
// ErrOverloaded.
func WithQueue(n int) Option {
	return positive("WithQueue", n, func(o *options) *int { return &o.maxWaiting })
}

// WithPrefill bounds the prompt tokens of one step, by default 128 on the CPU and
// 512 elsewhere. A step is the time a cancelled request may go on and a running
// answer may wait; larger steps read long prompts faster. On the CPU the answer
// does not depend on it.
func WithPrefill(tokens int) Option {
	return positive("WithPrefill", tokens, func(o *options) *int { return &o.prefillTokens })
}

// WithPrefixReuse keeps keys and values of prompts, answers and sessions in the KV
// cache while it has room, so that a request or a session that begins like an earlier
// one computes only the rest: Usage.CachedTokens, Session.CachedTokens. Whole pages
// of 32 tokens are reused. It is on by default and does not change the answer where
// the backend is deterministic, as the CPU's is. How fast a prompt is read then tells
// that its beginning was read before; switch it off where callers must not learn that
// of each other.
func WithPrefixReuse(on bool) Option {
	return func(o *options) error {
		o.noReuse = !on
		return nil
	}
}

// WithDeterminism makes an answer independent, bit for bit, of what else the model
// does meanwhile, of WithPrefill and of reused prefixes, on backends that are faster
// without it. The backend "cpu" is always so. With "cuda" long prompts take many times
// as long, and several answers at once longer; docs/CUDA.md has figures. With a backend
// that cannot be so Load fails.
func WithDeterminism() Option {
	return func(o *options) error {
		o.deterministic = true
		return nil
	}
}

// WithRounding allows a backend to round activations to bfloat16 before it multiplies them
// with weights of BF16, where that is faster. With "cpu" it is on processors with AVX512_BF16
// and without AMX, as AMD's are from Zen 4 on: they read prompts in 0.6 of the time.
// Logits then differ by about a hundredth of the largest, as they do in other engines, which
// round so always; an answer still does not depend on what else the model does. On other
// processors, with other weights, and with "cuda", whose prompts are rounded anyway, it changes
// nothing.
func WithRounding() Option {
	return func(o *options) error {
		o.rounding = true
		return nil
	}
}

// WithDrafts is the Request.DraftTokens of requests that leave it unset, 0 by
// default.
func WithDrafts(n int) Option {
	return func(o *options) error {
		if n < 0 {
			return fmt.Errorf("zen: WithDrafts(%d), want at least 0", n)
		}
		o.draftTokens = n
		return nil
	}
}

// WithKVType keeps keys and values as F32, F16, BF16 or I8. The default is F32 for
// models whose config.json says float32, else F16. I8 takes 53 % of F16's memory and
// changes the answer a little; with a backend that lacks it Load fails.
func WithKVType(t DType) Option {
	return func(o *options) error {
		if t != F32 && t != F16 && t != BF16 && t != I8 {
			return fmt.Errorf("zen: WithKVType(%v), want F32, F16, BF16 or I8", t)
		}
		o.kvType = t
		return nil
	}
}

// WithKVBudget bounds the bytes of the KV cache. It must hold one page of 32
// positions; where it holds less than one context, the context is what it holds.
// The default is one context, or as many as 16 where they fit 256 MiB; with WithBatch as
// many contexts as that says, together no longer than max_position_embeddings. On the
// CPU memory is taken from the system as positions are first used.
func WithKVBudget(bytes int64) Option {
	return func(o *options) error {
		if bytes < 1 {
			return fmt.Errorf("zen: WithKVBudget(%d), want at least 1", bytes)
		}
		o.kvBudget = bytes
		return nil
	}
}

// WithLogger sends what a developer wants to know to l: a loaded model at Info, a
// finished request at Debug. Without it nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return func(o *options) error {
		if l == nil {
			return fmt.Errorf("zen: WithLogger(nil)")
		}
		o.logger = l
		return nil
	}
}

// WithProgress calls f, on the goroutine of Load, as weights are read. Without it
// mapped weights are read when first used; with it Load reads them all, so that
// the first answer does not wait for the disk.
func WithProgress(f func(Progress)) Option {
	return func(o *options) error {
		if f == nil {
			return fmt.Errorf("zen: WithProgress(nil)")
		}
		o.progress = f
		return nil
	}
}

func positive(name string, n int, field func(*options) *int) Option {
	return func(o *options) error {
		if n < 1 {
			return fmt.Errorf("zen: %s(%d), want at least 1", name, n)
		}
		*field(o) = n
		return nil
	}
}

// contextLength returns the tokens of a context.
func (o *options) contextLength(cfg *model.Config) (int, error) {
	switch {
	case o.context == 0:
		return cfg.MaxPositionEmbeddings, nil
	case o.context > cfg.MaxPositionEmbeddings:
		return 0, fmt.Errorf("zen: WithContext(%d), the model's max_position_embeddings is %d",
			o.context, cfg.MaxPositionEmbeddings)
	}
	return o.context, nil
}

// cache returns the shape of the KV cache and its number of pages.
func (o *options) cache(cfg *model.Config, context int) (shape kvcache.Shape, pages int, err error) {
	dtype := o.kvType
	if dtype == tensor.Invalid {
		dtype = F16
		if cfg.DType == F32 {
			dtype = F32
		}
	}
	shape = cfg.CacheShape(dtype)
	one := kvcache.PagesFor(context)
	if o.kvBudget > 0 {
		pages = int(min(o.kvBudget/int64(shape.PageBytes()), 1<<31-1))
		if pages == 0 {
			err = fmt.Errorf("zen: WithKVBudget(%d), one page has %d bytes", o.kvBudget, shape.PageBytes())
		}
		return shape, pages, err
	}
	const roomy = 256 << 20
	pages = max(one, min(16*one, roomy/shape.PageBytes()))
	if o.roomForAll {
		all := int64(o.maxActive) * int64(one)
		pages = max(pages, int(min(all, int64(kvcache.PagesFor(cfg.MaxPositionEmbeddings)))))
	}
	return shape, pages, nil
}
