// SPDX-License-Identifier: Apache-2.0

package zentest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// The shape of zen-pico.
const (
	vocab        = 512
	hidden       = 64
	layers       = 2
	heads        = 2
	kvHeads      = 1
	headDim      = 32
	intermediate = 192

	imEnd = vocab - 1
)

const config = `{
  "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
  "vocab_size": 512, "hidden_size": 64, "num_hidden_layers": 2,
  "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32,
  "intermediate_size": 192, "hidden_act": "silu", "rms_norm_eps": 1e-06,
  "max_position_embeddings": 512, "rope_theta": 10000.0,
  "tie_word_embeddings": true, "torch_dtype": "float32",
  "bos_token_id": 509, "eos_token_id": 511
}
`

const generationConfig = `{"bos_token_id": 509, "eos_token_id": [511, 509], "pad_token_id": 509}
`

const chatTemplate = `{% for message in messages %}` +
	`{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

// files returns the checkpoint's files by name.
func files() map[string][]byte {
	tokens, merges := vocabulary()
	return map[string][]byte{
		"config.json":            []byte(config),
		"generation_config.json": []byte(generationConfig),
		"tokenizer.json":         tokenizerJSON(tokens, merges),
		"tokenizer_config.json":  marshal(map[string]any{"chat_template": chatTemplate, "eos_token": "<|im_end|>"}),
		"model.safetensors":      safetensors(weights(tokens)),
	}
}

// matrix is a weight [rows, cols], or a vector when rows is 0.
type matrix struct {
	name       string
	rows, cols int
	data       []float32
}

func (m *matrix) row(i int) []float32 { return m.data[i*m.cols:][:m.cols] }

// weights returns the tensors. All are random except along the first hidden
// dimension: the attention's value biases put the same positive number there
// whatever was read, and the embeddings, which are the output weights too, are 1
// there for readable tokens and -1 for the rest. So answers are readable.
func weights(tokens []string) []*matrix {
	random := rand.New(rand.NewPCG(1, 2))
	var all []*matrix
	add := func(name string, rows, cols int, mean, deviation float64) *matrix {
		m := &matrix{name, rows, cols, make([]float32, max(rows, 1)*cols)}
		for i := range m.data {
			m.data[i] = float32(mean + deviation*random.NormFloat64())
		}
		all = append(all, m)
		return m
	}
	// Layers that add several times the embedding keep the model from repeating
	// what it reads.
	linear := func(name string, out, in int) *matrix {
		return add(name+".weight", out, in, 0, 2/math.Sqrt(float64(in)))
	}
	embed := add("model.embed_tokens.weight", vocab, hidden, 0, 0.25)
	for id, token := range tokens {
		embed.row(id)[0] = -1
		if id == imEnd || readable(token) {
			embed.row(id)[0] = 1
		}
	}
	for layer := range layers {
		prefix := "model.layers." + string(rune('0'+layer)) + "."
		add(prefix+"input_layernorm.weight", 0, hidden, 1, 0.1)
		biased := func(name string, out int) (weight, bias *matrix) {
			return linear(prefix+name, out, hidden), add(prefix+name+".bias", 0, out, 0, 0.1)
		}
		biased("self_attn.q_proj", heads*headDim)
		biased("self_attn.k_proj", kvHeads*headDim)
		v, bias := biased("self_attn.v_proj", kvHeads*headDim)
		clear(v.row(0))
		bias.data[0] = 1
		o := linear(prefix+"self_attn.o_proj", hidden, heads*headDim)
		clear(o.row(0))
		o.row(0)[0] = 4
		add(prefix+"post_attention_layernorm.weight", 0, hidden, 1, 0.1)
		linear(prefix+"mlp.gate_proj", intermediate, hidden)
		linear(prefix+"mlp.up_proj", intermediate, hidden)
		clear(linear(prefix+"mlp.down_proj", hidden, intermediate).row(0))
	}
	add("model.norm.weight", 0, hidden, 1.5, 0.1).data[0] = 6
	return all
}

// readable reports whether a token is a whole word or ends a sentence.
func readable(token string) bool {
	word, spaced := strings.CutPrefix(token, "Ġ")
	return spaced && slices.Contains(strings.Fields(words), word) || token == "." || token == ","
}

// safetensors returns a file of float32 tensors.
func safetensors(tensors []*matrix) []byte {
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	entries, data := map[string]entry{}, []byte(nil)
	for _, t := range tensors {
		shape := []int{t.rows, t.cols}
		if t.rows == 0 {
			shape = shape[1:]
		}
		begin := len(data)
		for _, v := range t.data {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		entries[t.name] = entry{"F32", shape, [2]int{begin, len(data)}}
	}
	header := marshal(entries)
	header = append(header, bytes.Repeat([]byte{' '}, -len(header)&7)...)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

// marshal returns v, which is made of strings, numbers, lists and maps, as JSON.
func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("zentest: " + err.Error())
	}
	return data
}
