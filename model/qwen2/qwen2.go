// SPDX-License-Identifier: Apache-2.0

// Package qwen2 is the Qwen2 decoder (Yang et al., 2024), which Qwen2.5 and
// Zen-1 share: pre-normalised blocks of grouped-query attention with biases on
// Q, K and V, and a SwiGLU network.
//
// Import it for its effect: it registers "Qwen2ForCausalLM" with package model.
package qwen2

import (
	"fmt"

	"github.com/zenlm/zen/attention"
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/layers"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
)

func init() {
	model.Register("Qwen2ForCausalLM", func(cfg *model.Config, w *model.Weights) model.Model {
		return New(cfg, w)
	})
}

// Model is the decoder with its embedding and output projection.
type Model struct {
	EmbedTokens *layers.Embedding // [vocab, hidden]
	Layers      []*DecoderLayer   // [num_hidden_layers]
	Norm        *layers.RMSNorm   // [hidden]
	LMHead      *layers.Linear    // [vocab, hidden]; the embedding's weight when tied

	config *model.Config
}

// DecoderLayer is one block: x += attention(norm(x)); x += mlp(norm(x)).
type DecoderLayer struct {
	InputLayerNorm         *layers.RMSNorm // [hidden]
	SelfAttn               *attention.Attention
	PostAttentionLayerNorm *layers.RMSNorm // [hidden]
	MLP                    *layers.MLP
}

// New binds the weights of cfg's model. It is usable once w is loaded.
func New(cfg *model.Config, w *model.Weights) *Model {
	m := &Model{config: cfg}
	m.EmbedTokens = w.Embedding("model.embed_tokens", cfg.VocabSize, cfg.HiddenSize)
	rotary := attention.RotaryTable(cfg.RopeTheta, cfg.HeadDim, cfg.MaxPositionEmbeddings)
	for i := range cfg.NumHiddenLayers {
		layer := newDecoderLayer(cfg, w, fmt.Sprintf("model.layers.%d", i))
		layer.SelfAttn.Mask.Window = cfg.Window(i)
		w.Constant(&layer.SelfAttn.Rotary, rotary)
		m.Layers = append(m.Layers, layer)
	}
	m.Norm = w.RMSNorm("model.norm", cfg.HiddenSize, cfg.RMSNormEps)
	if cfg.TieWordEmbeddings {
		m.LMHead = w.Tied("lm_head", m.EmbedTokens)
	} else {
		m.LMHead = w.Linear("lm_head", cfg.VocabSize, cfg.HiddenSize, false)
	}
	return m
}

func newDecoderLayer(cfg *model.Config, w *model.Weights, name string) *DecoderLayer {
	hidden, inter := cfg.HiddenSize, cfg.IntermediateSize
	q, kv := cfg.NumAttentionHeads*cfg.HeadDim, cfg.NumKeyValueHeads*cfg.HeadDim
	return &DecoderLayer{
		InputLayerNorm: w.RMSNorm(name+".input_layernorm", hidden, cfg.RMSNormEps),
		SelfAttn: &attention.Attention{
			QProj:   w.Linear(name+".self_attn.q_proj", q, hidden, true),
			KProj:   w.Linear(name+".self_attn.k_proj", kv, hidden, true),
			VProj:   w.Linear(name+".self_attn.v_proj", kv, hidden, true),
			OProj:   w.Linear(name+".self_attn.o_proj", hidden, q, false),
			HeadDim: cfg.HeadDim,
		},
		PostAttentionLayerNorm: w.RMSNorm(name+".post_attention_layernorm", hidden, cfg.RMSNormEps),
		MLP: &layers.MLP{
			GateProj: w.Linear(name+".mlp.gate_proj", inter, hidden, false),
			UpProj:   w.Linear(name+".mlp.up_proj", inter, hidden, false),
			DownProj: w.Linear(name+".mlp.down_proj", hidden, inter, false),
		},
	}
}

// Config returns the configuration the model was built from.
func (m *Model) Config() *model.Config { return m.config }

// Hidden returns the normalised hidden states of the batch's output rows.
//
//	result  [outputRows, hidden]
func (m *Model) Hidden(s *backend.Step, cache *kvcache.Cache) *tensor.Tensor {
	x := m.EmbedTokens.Forward(s)
	out := x
	if n := len(s.Batch().OutputRows); n < s.Rows() {
		out = s.Tensor(n, m.config.HiddenSize)
	}
	mark := s.Mark()
	last := len(m.Layers) - 1
	for i, layer := range m.Layers[:last] {
		layer.Forward(s, x, cache.Layer(i))
	}
	// The last layer's keys and values are those of all rows, its network is needed
	// for the output rows alone.
	layer := m.Layers[last]
	layer.SelfAttn.Add(s, x, layer.InputLayerNorm, cache.Layer(last))
	if out != x {
		s.SelectRows(out, x)
	}
	layer.MLP.Add(s, out, layer.PostAttentionLayerNorm)
	s.Release(mark)
	return m.Norm.Forward(s, out)
}

// Logits returns the logits of the next token for each row of hidden states.
//
//	hidden  [rows, hidden]
//	result  [rows, vocab]
func (m *Model) Logits(s *backend.Step, hidden *tensor.Tensor) *tensor.Tensor {
	return m.LMHead.Forward(s, hidden)
}

// Forward adds the block's attention and network to x.
//
//	x   [rows, hidden]
//	kv  the layer's cache, [pages, kvHeads, pageSize, headDim]
func (l *DecoderLayer) Forward(s *backend.Step, x *tensor.Tensor, kv backend.KV) {
	mark := s.Mark()
	l.SelfAttn.Add(s, x, l.InputLayerNorm, kv)
	l.MLP.Add(s, x, l.PostAttentionLayerNorm)
	s.Release(mark)
}
