// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/quant"
	"github.com/zenlm/zen/sampling"
	"github.com/zenlm/zen/tensor"
)

// text is documents, apart by empty lines, that were written for this program and are
// no part of what zen-nano was trained on.
//
//go:embed text.txt
var text string

// nanoWeights returns zen-nano's tensors, the quantised ones in F32. What is embedded
// is int8 already, and a format of the same blocks would give it back exactly; so each
// weight is set to a random place in the interval that was rounded to its integer,
// which is as good a guess at the weight before as any.
func nanoWeights() (map[string]*tensor.Tensor, error) {
	c, err := checkpoint.OpenFS(nano.FS(), ".")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	rng := rand.New(rand.NewPCG(7, 7))
	weights := map[string]*tensor.Tensor{}
	for _, name := range c.Names() {
		t, _ := c.Tensor(name)
		if t.DType != tensor.I8 {
			if !strings.HasSuffix(name, "_scale") {
				weights[name] = &tensor.Tensor{DType: t.DType, Shape: t.Shape, Storage: tensor.Memory(bytes.Clone(t.HostBytes()))}
			}
			continue
		}
		scale, _ := c.Tensor(name + "_scale")
		quantised := *t
		quantised.Scales = scale
		m := quant.Matrix{Tensor: &quantised}
		out, in := t.Dim(0), t.Dim(1)
		w, scales := make([]float32, out*in), tensor.Slice[uint16](scale)
		for i := range out {
			m.Row(w[i*in:][:in], i)
		}
		for i := range w {
			w[i] += (rng.Float32() - 0.5) * tensor.F16ToF32(scales[i/tensor.QuantBlock])
		}
		weights[name] = tensor.FromFloat32(w, out, in)
	}
	return weights, nil
}

func nanoMatrices() []matrix {
	weights, err := nanoWeights()
	if err != nil {
		panic(fmt.Sprintf("quantquality: %v", err)) // the model is embedded
	}
	m := matrix{name: "zen-nano"}
	for _, t := range weights {
		if t.DType == tensor.F32 {
			m.all = append(m.all, t)
		}
	}
	return []matrix{m}
}

// nanoTable prints what the formats do to zen-nano's predictions.
func nanoTable(ctx context.Context) error {
	weights, err := nanoWeights()
	if err != nil {
		return err
	}
	base, err := predict(ctx, weights)
	if err != nil {
		return err
	}
	fmt.Printf("\nzen-nano on %d tokens of text it was not trained on\n", len(base.next))
	fmt.Printf("\n%-22s %12s %12s %12s %8s\n", "weights", "perplexity", "mean KL", "largest KL", "top 1")
	row := func(name string, p *predictions) {
		mean, largest, same := base.divergence(p)
		fmt.Printf("%-22s %12.4f %12.6f %12.5f %7.2f%%\n", name, p.perplexity(), mean, largest, 100*same)
	}
	row("float32", base)
	for _, f := range formats() {
		p, err := predict(ctx, rounded(ctx, f, weights))
		if err != nil {
			return err
		}
		row(f.name, p)
	}
	for _, run := range []struct {
		name   string
		format zen.DType
	}{{"INT8, as zen runs it", zen.Int8}, {"INT4, as zen runs it", zen.Int4}} {
		p, err := predict(ctx, weights, zen.WithWeights(run.format))
		if err != nil {
			return err
		}
		row(run.name, p)
	}
	return nil
}

// rounded returns weights with the matrices as a format has them.
func rounded(ctx context.Context, f format, weights map[string]*tensor.Tensor) map[string]*tensor.Tensor {
	r := map[string]*tensor.Tensor{}
	for name, t := range weights {
		if t.DType == tensor.F32 {
			t = f.round(ctx, t)
		}
		r[name] = t
	}
	return r
}

// predictions are a model's at every position of the text.
type predictions struct {
	next []int32
	logp [][]float32 // [positions, vocab] log-probabilities
}

// predict runs zen-nano with other weights over the text.
func predict(ctx context.Context, weights map[string]*tensor.Tensor, opts ...zen.Option) (p *predictions, err error) {
	dir, err := os.MkdirTemp("", "quantquality")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := writeModel(dir, weights); err != nil {
		return nil, err
	}
	m, err := zen.Load(ctx, dir, append(opts, zen.WithKVType(zen.F32))...)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	p = &predictions{}
	for document := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		tokens, err := m.Encode(zen.Request{Prompt: document})
		if err != nil {
			return nil, err
		}
		f := &follower{predictions: p, rest: tokens[1:]}
		_, err = m.Generate(ctx, zen.Request{
			Tokens: tokens[:1], MaxTokens: len(tokens) - 1, IgnoreEOS: true, Sampler: f,
		})
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// writeModel writes zen-nano's folder with other weights.
func writeModel(dir string, weights map[string]*tensor.Tensor) error {
	if err := checkpoint.Save(dir, weights); err != nil {
		return err
	}
	for _, name := range []string{"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"} {
		data, err := fs.ReadFile(nano.FS(), name)
		if err != nil {
			return err
		}
		if name == "config.json" {
			config := map[string]any{}
			if err := json.Unmarshal(data, &config); err != nil {
				return err
			}
			delete(config, "quantization_config")
			if data, err = json.Marshal(config); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// follower is a sampler that goes on with the text, whatever the logits, and keeps
// them.
type follower struct {
	*predictions
	rest []int32
}

func (f *follower) Sample(logits []float32, _ *sampling.State) (int32, error) {
	token := f.rest[0]
	f.rest = f.rest[1:]
	f.next = append(f.next, token)
	f.logp = append(f.logp, logSoftmax(logits))
	return token, nil
}

func logSoftmax(logits []float32) []float32 {
	largest, sum := math.Inf(-1), 0.0
	for _, v := range logits {
		largest = max(largest, float64(v))
	}
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	logp := make([]float32, len(logits))
	for i, v := range logits {
		logp[i] = float32(float64(v) - largest - math.Log(sum))
	}
	return logp
}

func (p *predictions) perplexity() float64 {
	sum := 0.0
	for i, token := range p.next {
		sum -= float64(p.logp[i][token])
	}
	return math.Exp(sum / float64(len(p.next)))
}

// divergence returns the Kullback-Leibler divergence of q from p, in nats, its mean and
// its largest over positions, and the share of positions with the same likeliest token.
func (p *predictions) divergence(q *predictions) (mean, largest, same float64) {
	for i, logp := range p.logp {
		kl, best, other := 0.0, 0, 0
		for t, v := range logp {
			kl += math.Exp(float64(v)) * (float64(v) - float64(q.logp[i][t]))
			if v > logp[best] {
				best = t
			}
			if q.logp[i][t] > q.logp[i][other] {
				other = t
			}
		}
		mean += kl / float64(len(p.logp))
		largest = max(largest, kl)
		if best == other {
			same += 1 / float64(len(p.logp))
		}
	}
	return mean, largest, same
}
