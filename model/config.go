// SPDX-License-Identifier: Apache-2.0

package model

import (
	"github.com/zenlm/zen/tensor"
	"slices"
)

// MaxConfigBytes is the size of the largest config.json or generation_config.json
// that is read.
const MaxConfigBytes = 1 << 20

// The attention kinds of a decoder layer, as config.json's layer_types has them.
const (
	FullAttention    = "full_attention"
	SlidingAttention = "sliding_attention"
)

// Config is a decoder's config.json under the file's own names. ParseConfig
// makes one that is consistent; nothing changes it afterwards.
type Config struct {
	Architecture string // the one entry of architectures, such as "Qwen2ForCausalLM"
	ModelType    string // model_type, such as "qwen2"

	HiddenSize            int
	IntermediateSize      int
	NumHiddenLayers       int
	NumAttentionHeads     int // a multiple of NumKeyValueHeads
	NumKeyValueHeads      int
	HeadDim               int // even; HiddenSize / NumAttentionHeads where the file has none
	VocabSize             int
	MaxPositionEmbeddings int

	HiddenAct         string // "silu"
	RMSNormEps        float64
	RopeTheta         float64
	TieWordEmbeddings bool

	SlidingWindow int      // positions a sliding layer sees, its own included; 0 unless use_sliding_window
	LayerTypes    []string // [NumHiddenLayers] FullAttention or SlidingAttention

	DType        tensor.DType // F32, F16 or BF16 as dtype says; Invalid where the file does not. Tensors carry their own
	Quantization *Quantization

	EOSTokenIDs []int32 // may be empty; all below VocabSize
	BOSTokenID  *int32  // nil where the file has none
	PadTokenID  *int32  // nil where the file has none or one outside the vocabulary
}

// Quantization is the quantization_config of a checkpoint this project wrote.
type Quantization struct {
	QuantMethod string `json:"quant_method"` // "zen"
	Format      string `json:"format"`       // "int8" or "int4"
	Bits        int    `json:"bits"`         // 8 or 4
	GroupSize   int    `json:"group_size"`   // inputs that share a scale: 64 or 32
}

// Window returns how many positions a row of the layer sees, its own included,
// or 0 when it sees all.
func (c *Config) Window(layer int) int {
	if c.LayerTypes[layer] == SlidingAttention {
		return c.SlidingWindow
	}
	return 0
}

// The largest values accepted. They stand well above every known model and keep
// products of two within an int64.
const (
	maxHidden    = 1 << 17
	maxInter     = 1 << 20
	maxLayers    = 1 << 10
	maxHeads     = 1 << 12
	maxHeadDim   = 1 << 10
	maxVocab     = 1 << 22
	maxPositions = 1 << 24
	maxTheta     = 1e15
	maxTokenID   = 1<<31 - 1
)

// ParseConfig reads a config.json as transformers 4 or 5 writes it. Keys take
// the meaning and the defaults transformers 5 gives them in a Qwen2Config,
// except that the sizes of the weights have no default.
//
// A key that changes the result and is not implemented, or is not known to leave
// the result alone, is an error that matches ErrUnsupported and names it. A file
// that is not JSON, repeats a key or contradicts itself matches ErrConfig.
func ParseConfig(data []byte) (*Config, error) {
	f, err := parseFields("config.json", data)
	if err != nil {
		return nil, err
	}
	c := &Config{}
	c.architecture(f)
	c.shape(f)
	c.rope(f)
	c.layerTypes(f)
	c.quantization(f)
	c.tokens(f)
	c.dtype(f)
	f.neutral(neutralConfigKeys())
	f.rest(harmlessConfigKey)
	if f.err != nil {
		return nil, f.err
	}
	return c, nil
}

func (c *Config) architecture(f *fields) {
	names := f.strings("architectures")
	c.ModelType = f.string("model_type", "")
	switch {
	case len(names) > 1:
		f.unsupported("architectures %q, want one", names)
	case len(names) == 1 && names[0] != "":
		c.Architecture = names[0]
	case c.ModelType == "qwen2":
		c.Architecture = "Qwen2ForCausalLM"
	default:
		f.wrong("architectures names none and model_type %q does not stand for one", c.ModelType)
	}
	if c.Architecture == "Qwen2ForCausalLM" && c.ModelType != "" && c.ModelType != "qwen2" {
		f.wrong("architectures %q contradicts model_type %q", c.Architecture, c.ModelType)
	}
}

func (c *Config) shape(f *fields) {
	c.VocabSize = f.size("vocab_size", maxVocab)
	c.HiddenSize = f.size("hidden_size", maxHidden)
	c.IntermediateSize = f.size("intermediate_size", maxInter)
	c.NumHiddenLayers = f.size("num_hidden_layers", maxLayers)
	c.NumAttentionHeads = f.size("num_attention_heads", maxHeads)
	if f.null("num_key_value_heads") {
		f.use("num_key_value_heads")
		c.NumKeyValueHeads = c.NumAttentionHeads
	} else {
		c.NumKeyValueHeads = f.size("num_key_value_heads", maxHeads)
	}
	c.MaxPositionEmbeddings = f.int("max_position_embeddings", 32768, 1, maxPositions)
	c.RMSNormEps = f.float("rms_norm_eps", 1e-6, 0, 1)
	c.TieWordEmbeddings = f.bool("tie_word_embeddings", false)
	if c.HiddenAct = f.string("hidden_act", "silu"); c.HiddenAct == "swish" {
		c.HiddenAct = "silu" // transformers' other name for the same function
	}
	if c.HiddenAct != "silu" {
		f.unsupported("hidden_act %q, want %q", c.HiddenAct, "silu")
	}
	if f.err != nil {
		return
	}
	heads := c.NumAttentionHeads
	if heads%c.NumKeyValueHeads != 0 {
		f.wrong("num_attention_heads (%d) is not a multiple of num_key_value_heads (%d)",
			heads, c.NumKeyValueHeads)
		return
	}
	c.headDim(f)
}

func (c *Config) headDim(f *fields) {
	heads := c.NumAttentionHeads
	if f.has("head_dim") {
		c.HeadDim = f.size("head_dim", maxHeadDim)
		if c.HeadDim%2 != 0 {
			f.wrong("head_dim (%d) is odd", c.HeadDim)
		}
		return
	}
	c.HeadDim = c.HiddenSize / heads
	switch {
	case c.HiddenSize%heads != 0:
		f.wrong("hidden_size (%d) is not a multiple of num_attention_heads (%d)", c.HiddenSize, heads)
	case c.HeadDim%2 != 0 || c.HeadDim > maxHeadDim:
		f.wrong("hidden_size (%d) / num_attention_heads (%d) is %d, want an even number up to %d",
			c.HiddenSize, heads, c.HeadDim, maxHeadDim)
	}
}

// rope reads rope_theta, and rope_scaling or its newer name rope_parameters,
// which hold rope_theta in files of transformers 5.
func (c *Config) rope(f *fields) {
	const defaultTheta = 10000
	c.RopeTheta = f.float("rope_theta", defaultTheta, 1, maxTheta)
	given := f.has("rope_theta")
	for _, key := range []string{"rope_scaling", "rope_parameters"} {
		r := f.object(key)
		if r == nil || len(r.raw) == 0 {
			continue
		}
		for _, typeKey := range []string{"rope_type", "type"} {
			if kind := r.string(typeKey, "default"); kind != "default" {
				r.unsupported("%s %q, want %q", typeKey, kind, "default")
			}
		}
		if r.has("rope_theta") {
			theta := r.float("rope_theta", defaultTheta, 1, maxTheta)
			if given && theta != c.RopeTheta {
				r.wrong("rope_theta is %v here and %v elsewhere", theta, c.RopeTheta)
			}
			c.RopeTheta, given = theta, true
		}
		r.neutral(map[string][]string{"partial_rotary_factor": {"1"}})
		r.rest(func(string) bool { return false })
		f.join(r)
	}
}

// layerTypes resolves which layers have a window, as Qwen2Config does.
func (c *Config) layerTypes(f *fields) {
	use := f.bool("use_sliding_window", false)
	window := 4096
	if f.null("sliding_window") {
		window = 0
	} else if use {
		window = f.int("sliding_window", window, 1, maxPositions)
	}
	first := f.int("max_window_layers", 28, 0, maxPositions)
	f.use("sliding_window") // without use_sliding_window it says nothing
	if use {
		c.SlidingWindow = window
	}
	if f.err != nil {
		return
	}
	if f.has("layer_types") {
		c.givenLayerTypes(f)
		return
	}
	c.LayerTypes = make([]string, c.NumHiddenLayers)
	for i := range c.LayerTypes {
		c.LayerTypes[i] = FullAttention
		if c.SlidingWindow > 0 && i >= first {
			c.LayerTypes[i] = SlidingAttention
		}
	}
}

func (c *Config) givenLayerTypes(f *fields) {
	c.LayerTypes = f.strings("layer_types")
	if len(c.LayerTypes) != c.NumHiddenLayers {
		f.wrong("layer_types has %d entries, num_hidden_layers is %d", len(c.LayerTypes), c.NumHiddenLayers)
	}
	for i, kind := range c.LayerTypes {
		switch {
		case kind != FullAttention && kind != SlidingAttention:
			f.unsupported("layer_types[%d] is %q, want %q or %q", i, kind, FullAttention, SlidingAttention)
		case kind == SlidingAttention && c.SlidingWindow == 0:
			f.wrong("layer_types[%d] is %q, and use_sliding_window and sliding_window give no window", i, kind)
		}
	}
}

func (c *Config) quantization(f *fields) {
	q := f.object("quantization_config")
	if q == nil {
		return
	}
	if method := q.string("quant_method", ""); method != "zen" {
		f.unsupported("quantization_config.quant_method %q, want %q", method, "zen")
		return
	}
	c.Quantization = &Quantization{
		QuantMethod: "zen",
		Format:      q.string("format", ""),
		Bits:        q.int("bits", 0, 0, 64),
		GroupSize:   q.int("group_size", 0, 0, maxHidden),
	}
	if q.err == nil && !slices.Contains(quantizations, *c.Quantization) {
		q.unsupported("format %q, bits %d, group_size %d; want one of %v", c.Quantization.Format,
			c.Quantization.Bits, c.Quantization.GroupSize, quantizations)
	}
	q.rest(func(string) bool { return false })
	f.join(q)
}

// quantizations are the formats this project writes. The layout, rows or panels,
// shows in the shapes of the tensors.
var quantizations = []Quantization{
	{"zen", "int8", 8, tensor.QuantBlock},
	{"zen", "int4", 4, tensor.QuantBlock / 2},
}

// QuantizationOf returns the quantization_config of a block format, tensor.Q8 or
// tensor.Q4.
func QuantizationOf(format tensor.DType) Quantization {
	if format == tensor.Q4 {
		return quantizations[1]
	}
	return quantizations[0]
}

func (c *Config) tokens(f *fields) {
	c.EOSTokenIDs = f.ids("eos_token_id")
	c.BOSTokenID = f.id("bos_token_id")
	c.PadTokenID = f.id("pad_token_id")
	for _, id := range c.EOSTokenIDs {
		c.inVocab(f, "eos_token_id", id)
	}
	if c.BOSTokenID != nil {
		c.inVocab(f, "bos_token_id", *c.BOSTokenID)
	}
	// Padding never reaches the model. Files write -1 or vocab_size for none.
	if p := c.PadTokenID; p != nil && (*p < 0 || int(*p) >= c.VocabSize) {
		c.PadTokenID = nil
	}
}

func (c *Config) inVocab(f *fields, key string, id int32) {
	if id < 0 || int(id) >= c.VocabSize {
		f.wrong("%s (%d) is outside vocab_size (%d)", key, id, c.VocabSize)
	}
}

// dtype reads dtype or its older name torch_dtype; dtype wins, as in transformers.
func (c *Config) dtype(f *fields) {
	older := f.string("torch_dtype", "")
	switch name := f.string("dtype", older); name {
	case "":
	case "float32":
		c.DType = tensor.F32
	case "float16":
		c.DType = tensor.F16
	case "bfloat16":
		c.DType = tensor.BF16
	default:
		f.unsupported("dtype %q, want %q, %q or %q", name, "float32", "float16", "bfloat16")
	}
}
