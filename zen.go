// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tokenizer"
)

// Model is a loaded model. It is safe for concurrent use; Close ends it.
type Model struct {
	options    *options
	config     *model.Config
	generation *model.GenerationConfig
	context    int                 // tokens
	tokenizer  tokenizer.Tokenizer // nil without a tokenizer.json
	chat       *tokenizer.Chat     // nil when chatErr says why
	chatErr    error
	plan       MemoryPlan
	identity   func() [32]byte // what saved sessions are checked against

	checkpoint *checkpoint.Checkpoint
	weights    *model.Weights
	backend    backend.Backend
	device     string // what the backend says of itself
	cache      *kvcache.Cache
	engine     *engine.Engine

	counters counters
	close    sync.Once
	closeErr error

	saving sync.Mutex // held by Save; Close waits for it
	closed bool
}

type counters struct {
	requests, promptTokens, completionTokens atomic.Int64
}

// Load loads the checkpoint in a folder of the operating system and readies it
// for requests. The caller closes the model. ctx bounds the loading alone.
//
// The error is a *LoadError, or the context's, or that of an option out of range;
// it matches backend.ErrUnavailable when the machine cannot run the backend.
func Load(ctx context.Context, path string, opts ...Option) (*Model, error) {
	return load(ctx, path, opts, func(o ...checkpoint.Option) (*checkpoint.Checkpoint, error) {
		return checkpoint.Open(path, o...)
	})
}

// LoadFS loads the checkpoint in the folder dir of fsys, such as an embed.FS, a
// zip.Reader or the FS of an os.Root; "." is its root. Files that are not the
// operating system's are read into memory outside the Go heap. See Load.
func LoadFS(ctx context.Context, fsys fs.FS, dir string, opts ...Option) (*Model, error) {
	return load(ctx, dir, opts, func(o ...checkpoint.Option) (*checkpoint.Checkpoint, error) {
		return checkpoint.OpenFS(fsys, dir, o...)
	})
}

// Close ends the running requests with ErrClosed, waits for them, and frees the
// model's memory. It may be called again and from any goroutine.
func (m *Model) Close() error {
	m.close.Do(func() {
		m.engine.Close()
		m.saving.Lock()
		defer m.saving.Unlock()
		m.closed = true
		m.cache.Close()
		m.closeErr = errors.Join(m.backend.Close(), m.checkpoint.Close())
	})
	return m.closeErr
}

// Device says what the model runs on, for logs and reports of speed: the processor's
// instructions that are used, or the name of the GPU and of the library beside it.
func (m *Model) Device() string { return m.device }

// Config returns what the checkpoint's config.json says of the model.
func (m *Model) Config() model.Config { return *m.config }

// ContextLength returns the most tokens a prompt and its answer can have.
func (m *Model) ContextLength() int { return m.context }

// Tokenizer returns the model's tokenizer, or nil when the checkpoint has none.
func (m *Model) Tokenizer() tokenizer.Tokenizer { return m.tokenizer }

// MemoryPlan returns the bytes the model was planned to take.
func (m *Model) MemoryPlan() MemoryPlan { return m.plan }
