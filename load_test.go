// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
)

// entry is a tensor of a safetensors header.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// edited returns zen-pico's model.safetensors after edit changed its header's entries
// or its data.
func edited(t testing.TB, edit func(entries map[string]entry, data []byte) []byte) string {
	t.Helper()
	file := pico(t, nil)["model.safetensors"].Data
	size := binary.LittleEndian.Uint64(file)
	entries := map[string]entry{}
	require.NoError(t, json.Unmarshal(file[8:8+size], &entries))
	data := edit(entries, append([]byte(nil), file[8+size:]...))
	header, err := json.Marshal(entries)
	require.NoError(t, err)
	header = append(header, strings.Repeat(" ", -len(header)&7)...)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return string(append(append(out, header...), data...))
}

const (
	norm  = "model.norm.weight"
	query = "model.layers.0.self_attn.q_proj.weight"
)

// What a checkpoint can be wrong about, as zen.Load's caller sees it: one *LoadError
// that matches a sentinel and names the place and both values.
func TestBadCheckpointsAreLoadErrors(t *testing.T) {
	config := func(old, new string) map[string]string {
		text := string(pico(t, nil)["config.json"].Data)
		require.Contains(t, text, old)
		return map[string]string{"config.json": strings.Replace(text, old, new, 1)}
	}
	tensors := func(edit func(map[string]entry)) map[string]string {
		return map[string]string{"model.safetensors": edited(t, func(e map[string]entry, data []byte) []byte {
			edit(e)
			return data
		})}
	}
	for name, c := range map[string]struct {
		files map[string]string
		is    error
		want  []string
	}{
		"no config":       {map[string]string{"config.json": ""}, os.ErrNotExist, []string{"config.json"}},
		"config is text":  {map[string]string{"config.json": "hello"}, zen.ErrCorruptModel, []string{"config.json"}},
		"no heads":        {config(`"num_attention_heads": 2`, `"num_attention_heads": 0`), zen.ErrCorruptModel, []string{"num_attention_heads", "0"}},
		"uneven heads":    {config(`"num_attention_heads": 2, "num_key_value_heads": 1`, `"num_attention_heads": 14, "num_key_value_heads": 4`), zen.ErrCorruptModel, []string{"num_attention_heads (14)", "num_key_value_heads (4)"}},
		"no vocabulary":   {config(`"vocab_size": 512`, `"vocab_size": 0`), zen.ErrCorruptModel, []string{"vocab_size", "0"}},
		"small":           {config(`"vocab_size": 512`, `"vocab_size": 500`), zen.ErrCorruptModel, []string{"eos_token_id (511)", "500"}},
		"absurd layers":   {config(`"num_hidden_layers": 2`, `"num_hidden_layers": 2000000000`), zen.ErrCorruptModel, []string{"num_hidden_layers", "2000000000"}},
		"architecture":    {config(`"Qwen2ForCausalLM"`, `"MambaForCausalLM"`), zen.ErrUnsupported, []string{"MambaForCausalLM", "Qwen2ForCausalLM"}},
		"rope scaling":    {config(`"rope_theta": 10000.0`, `"rope_theta": 10000.0, "rope_scaling": {"type": "yarn", "factor": 4.0}`), zen.ErrUnsupported, []string{"rope_scaling", "yarn"}},
		"activation":      {config(`"silu"`, `"gelu"`), zen.ErrUnsupported, []string{"hidden_act", "gelu"}},
		"quantised by":    {config(`"head_dim": 32`, `"head_dim": 32, "quantization_config": {"quant_method": "gptq"}`), zen.ErrUnsupported, []string{"quantization_config", "gptq"}},
		"no weights":      {map[string]string{"model.safetensors": ""}, os.ErrNotExist, []string{"model.safetensors"}},
		"short weights":   {map[string]string{"model.safetensors": "hello"}, zen.ErrCorruptModel, []string{"model.safetensors", "5 bytes"}},
		"absurd header":   {map[string]string{"model.safetensors": "\xff\xff\xff\xff\xff\xff\xff\x7f{}"}, zen.ErrCorruptModel, []string{"header of 9223372036854775807 bytes"}},
		"truncated":       {map[string]string{"model.safetensors": edited(t, func(_ map[string]entry, data []byte) []byte { return data[:len(data)-4] })}, zen.ErrCorruptModel, []string{"model.safetensors", "data_offsets"}},
		"missing tensor":  {map[string]string{"model.safetensors": edited(t, dropNorm)}, zen.ErrCorruptModel, []string{norm, "missing"}},
		"unknown tensor":  {tensors(func(e map[string]entry) { e["model.surprise"] = e[norm]; delete(e, norm) }), zen.ErrCorruptModel, []string{"model.surprise", norm}},
		"wrong shape":     {tensors(func(e map[string]entry) { q := e[query]; q.Shape = []int{32, 128}; e[query] = q }), zen.ErrCorruptModel, []string{query, "[32 128]", "[64 64]"}},
		"wrong type":      {tensors(func(e map[string]entry) { q := e[query]; q.DType = "I32"; e[query] = q }), zen.ErrCorruptModel, []string{query, "I32"}},
		"overlap":         {tensors(func(e map[string]entry) { n := e[norm]; n.Offsets[0] -= 4; n.Offsets[1] -= 4; e[norm] = n }), zen.ErrCorruptModel, []string{"overlap", norm}},
		"index outside":   {map[string]string{"model.safetensors": "", "model.safetensors.index.json": `{"weight_map": {"a": "../../etc/passwd"}}`}, zen.ErrCorruptModel, []string{"index.json", "../../etc/passwd"}},
		"bad tokenizer":   {map[string]string{"tokenizer.json": `{"model": {}}`}, zen.ErrCorruptModel, []string{"tokenizer.json"}},
		"other tokenizer": {map[string]string{"tokenizer.json": `{"model": {"type": "Unigram", "vocab": {}, "merges": []}}`}, zen.ErrUnsupported, []string{"Unigram"}},
		"generation":      {map[string]string{"generation_config.json": `{"temperature": "hot"}`}, zen.ErrCorruptModel, []string{"generation_config.json", "temperature"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := zen.LoadFS(t.Context(), pico(t, c.files), ".")
			require.Nil(t, m)
			var load *zen.LoadError
			require.ErrorAs(t, err, &load)
			require.ErrorIs(t, err, c.is)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

// dropNorm takes the final norm out of the file, header and data.
func dropNorm(entries map[string]entry, data []byte) []byte {
	gone := entries[norm].Offsets
	delete(entries, norm)
	size := gone[1] - gone[0]
	for name, e := range entries {
		if e.Offsets[0] >= gone[1] {
			e.Offsets[0] -= size
			e.Offsets[1] -= size
			entries[name] = e
		}
	}
	return append(data[:gone[0]:gone[0]], data[gone[1]:]...)
}

// All that is wrong with the tensors comes in one error.
func TestTensorErrorsComeTogether(t *testing.T) {
	file := edited(t, func(e map[string]entry, data []byte) []byte {
		e["model.surprise"] = e[norm]
		delete(e, norm)
		q := e[query]
		q.Shape = []int{32, 128}
		e[query] = q
		return data
	})
	_, err := zen.LoadFS(t.Context(), pico(t, map[string]string{"model.safetensors": file}), ".")
	require.ErrorIs(t, err, zen.ErrCorruptModel)
	for _, want := range []string{"model.surprise", norm, query} {
		require.ErrorContains(t, err, want)
	}
}

func TestNaNWeightsAreNonFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		file := edited(t, func(e map[string]entry, data []byte) []byte {
			binary.LittleEndian.PutUint32(data[e[norm].Offsets[0]:], math.Float32bits(float32(bad)))
			return data
		})
		m := loadFS(t, pico(t, map[string]string{"model.safetensors": file}))
		_, err := m.Generate(t.Context(), zen.Request{Prompt: "the", MaxTokens: 4})
		require.ErrorIs(t, err, zen.ErrNonFinite)
		_, err = m.Score(t.Context(), "the", " time")
		require.ErrorIs(t, err, zen.ErrNonFinite)
	}
}

func TestLoadOfAFolderThatIsNone(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "missing"), "load_test.go"} {
		_, err := zen.Load(t.Context(), path)
		var load *zen.LoadError
		require.ErrorAs(t, err, &load, path)
		require.Equal(t, path, load.Path)
		_, err = zen.Plan(t.Context(), path)
		require.ErrorAs(t, err, &load, path)
	}
}
