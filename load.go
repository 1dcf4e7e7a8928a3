// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
	"github.com/zenlm/zen/tokenizer"

	// The backend and the architectures every program has.
	_ "github.com/zenlm/zen/cpu"
	_ "github.com/zenlm/zen/model/qwen2"
)

type opener func(...checkpoint.Option) (*checkpoint.Checkpoint, error)

// load wraps what goes wrong with the checkpoint in a *LoadError and closes what
// was opened before that.
func load(ctx context.Context, path string, opts []Option, open opener) (m *Model, err error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	m = &Model{options: o}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
		if err == nil {
			return
		}
		m.abandon()
		m = nil
		if ctx.Err() == nil {
			err = &LoadError{Path: path, Err: err}
		}
	}()
	if err := m.load(ctx, open); err != nil {
		return m, err
	}
	o.logger.InfoContext(ctx, "zen: loaded", "path", path, "backend", o.backend, "device", m.device,
		"weights", m.plan.Weights, "kv", m.plan.KV, "context", m.context, "took", time.Since(begin))
	return m, nil
}

func (m *Model) load(ctx context.Context, open opener) (err error) {
	o := m.options
	if err = ctx.Err(); err != nil {
		return err
	}
	var opening []checkpoint.Option
	if o.progress != nil && o.weights == tensor.Invalid {
		opening = append(opening, checkpoint.WithProgress(func(done, total int64) error {
			o.progress(Progress{done, total})
			return ctx.Err()
		}))
	}
	if m.checkpoint, err = open(opening...); err != nil {
		return err
	}
	net, weights, err := m.describe()
	if err != nil {
		return err
	}
	if err = m.readTokenizer(); err != nil {
		return err
	}
	if m.backend, err = backend.Open(o.backend, backend.Options{Workers: o.workers, Deterministic: o.deterministic, Rounding: o.rounding}); err != nil {
		return err
	}
	m.device = m.backend.Name()
	if d, ok := m.backend.(backend.Describer); ok {
		m.device = d.Describe()
	}
	if o.deterministic && !m.backend.Deterministic() {
		return fmt.Errorf("%w: WithDeterminism: backend %q", ErrUnsupported, o.backend)
	}
	if err = m.fits(); err != nil {
		return err
	}
	m.weights = weights
	if err = weights.Load(ctx, m.backend, m.quantizing()); err != nil {
		return err
	}
	shape, pages, err := o.cache(m.config, m.context)
	if err != nil {
		return err
	}
	if m.cache, err = kvcache.New(m.backend, shape, pages); err != nil {
		return err
	}
	m.engine = engine.New(engine.Config{
		Model: net, Backend: m.backend, Cache: m.cache,
		BatchTokens: o.prefillTokens, MaxActive: o.maxActive, MaxWaiting: o.maxWaiting,
		Reuse: !o.noReuse, Helpers: min(runtime.GOMAXPROCS(0), o.maxActive) - 1,
	})
	return nil
}

// quantizing returns what is to be told of the loading of weights, which takes time
// when they are quantised; otherwise the opening of the checkpoint has told it.
func (m *Model) quantizing() func(done, total int64) {
	if m.options.progress == nil || m.options.weights == tensor.Invalid {
		return nil
	}
	return func(done, total int64) { m.options.progress(Progress{done, total}) }
}

// describe reads the configuration, binds the weights by name without reading
// them, and plans the memory.
func (m *Model) describe() (net model.Model, weights *model.Weights, err error) {
	config, err := m.checkpoint.ReadFile("config.json", model.MaxConfigBytes)
	if err != nil {
		return nil, nil, err
	}
	if m.config, err = model.ParseConfig(config); err != nil {
		return nil, nil, err
	}
	if m.generation, err = m.readGeneration(); err != nil {
		return nil, nil, err
	}
	if m.context, err = m.options.contextLength(m.config); err != nil {
		return nil, nil, err
	}
	weights = model.NewWeights(m.checkpoint)
	if net, err = model.New(m.config, weights); err != nil {
		return nil, nil, err
	}
	if format := m.options.weights; format != tensor.Invalid {
		if err := weights.Quantize(format); err != nil {
			return nil, nil, err
		}
	}
	m.identity = sync.OnceValue(func() [32]byte { return identity(config, m.checkpoint) })
	m.plan, err = m.options.plan(m.config, weights.Bytes(), m.context)
	m.context = m.plan.ContextLength
	return net, weights, err
}

func (m *Model) readGeneration() (*model.GenerationConfig, error) {
	data, err := m.checkpoint.ReadFile("generation_config.json", model.MaxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return &model.GenerationConfig{}, nil
	}
	if err != nil {
		return nil, err
	}
	return model.ParseGenerationConfig(data)
}

const maxTokenizerBytes = 256 << 20

// readTokenizer reads tokenizer.json, without which only tokens go in and out,
// and the chat template, without which messages do not.
func (m *Model) readTokenizer() error {
	data, err := m.checkpoint.ReadFile("tokenizer.json", maxTokenizerBytes)
	if errors.Is(err, fs.ErrNotExist) {
		m.chatErr = fmt.Errorf("%w: messages and prompts: the checkpoint has no tokenizer.json", ErrUnsupported)
		return nil
	}
	if err != nil {
		return err
	}
	t, err := tokenizer.Parse(data)
	if err != nil {
		return err
	}
	if size, vocab := t.VocabSize(), m.config.VocabSize; size > vocab {
		return fmt.Errorf("%w: tokenizer.json has %d tokens, vocab_size is %d", model.ErrConfig, size, vocab)
	}
	m.tokenizer = t
	m.chat, m.chatErr = m.readChat()
	return nil
}

func (m *Model) readChat() (*tokenizer.Chat, error) {
	template, err := m.chatTemplate()
	if err != nil {
		return nil, err
	}
	chat, err := tokenizer.ParseChat(template)
	if err != nil {
		return nil, fmt.Errorf("%w: messages: %w", ErrUnsupported, err)
	}
	return chat, nil
}

// chatTemplate returns the template of tokenizer_config.json, or of
// chat_template.jinja, where newer checkpoints keep it.
func (m *Model) chatTemplate() (string, error) {
	data, err := m.checkpoint.ReadFile("chat_template.jinja", model.MaxConfigBytes)
	if err == nil {
		return string(data), nil
	}
	var config struct {
		ChatTemplate json.RawMessage `json:"chat_template"`
	}
	data, err = m.checkpoint.ReadFile("tokenizer_config.json", 16*model.MaxConfigBytes)
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		return "", fmt.Errorf("%w: messages: tokenizer_config.json: %w", ErrUnsupported, err)
	}
	var template string
	if err := json.Unmarshal(config.ChatTemplate, &template); err != nil {
		return "", fmt.Errorf("%w: messages: tokenizer_config.json has no chat_template that is a string", ErrUnsupported)
	}
	return template, nil
}

// abandon closes what an unfinished load has opened.
func (m *Model) abandon() {
	if m.cache != nil {
		m.cache.Close()
	}
	if m.backend != nil {
		m.backend.Close()
	}
	if m.checkpoint != nil {
		m.checkpoint.Close()
	}
}

// identity returns a hash of config.json and of each tensor's name, type, shape
// and first bytes: enough to tell checkpoints apart without reading them whole.
func identity(config []byte, c *checkpoint.Checkpoint) (sum [32]byte) {
	h := sha256.New()
	h.Write(config)
	for _, name := range c.Names() {
		if t, ok := c.Tensor(name); ok {
			b := t.HostBytes()
			fmt.Fprintf(h, "%s %v %v\n", name, t.DType, t.Shape)
			h.Write(b[:min(len(b), 64)])
		}
	}
	h.Sum(sum[:0])
	return sum
}
