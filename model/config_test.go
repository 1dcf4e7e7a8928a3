// SPDX-License-Identifier: Apache-2.0

package model_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
)

// configCases is testdata/config_cases.json, which testdata/_gen/config.py
// wrote with transformers.
type configCases struct {
	Configs []struct {
		Name   string
		Config json.RawMessage
		Want   struct {
			HiddenSize            int     `json:"hidden_size"`
			IntermediateSize      int     `json:"intermediate_size"`
			NumHiddenLayers       int     `json:"num_hidden_layers"`
			NumAttentionHeads     int     `json:"num_attention_heads"`
			NumKeyValueHeads      int     `json:"num_key_value_heads"`
			HeadDim               int     `json:"head_dim"`
			VocabSize             int     `json:"vocab_size"`
			MaxPositionEmbeddings int     `json:"max_position_embeddings"`
			RMSNormEps            float64 `json:"rms_norm_eps"`
			RopeTheta             float64 `json:"rope_theta"`
			TieWordEmbeddings     bool    `json:"tie_word_embeddings"`
			HiddenAct             string  `json:"hidden_act"`
			Windows               []int
			DType                 string
			EOS                   []int32
			BOS                   *int32
		}
	}
	GenerationConfigs []json.RawMessage `json:"generation_configs"`
}

func readCases(t testing.TB) (c configCases) {
	t.Helper()
	data, err := os.ReadFile("testdata/config_cases.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &c))
	require.NotEmpty(t, c.Configs)
	return c
}

func TestParseConfigAgreesWithTransformers(t *testing.T) {
	dtypes := map[string]tensor.DType{
		"None": tensor.Invalid, "float32": tensor.F32, "float16": tensor.F16, "bfloat16": tensor.BF16,
	}
	for _, c := range readCases(t).Configs {
		t.Run(c.Name, func(t *testing.T) {
			got, err := model.ParseConfig(c.Config)
			require.NoError(t, err)
			want := c.Want
			require.Equal(t, "Qwen2ForCausalLM", got.Architecture)
			require.Equal(t, "qwen2", got.ModelType)
			require.Equal(t, want.HiddenSize, got.HiddenSize)
			require.Equal(t, want.IntermediateSize, got.IntermediateSize)
			require.Equal(t, want.NumHiddenLayers, got.NumHiddenLayers)
			require.Equal(t, want.NumAttentionHeads, got.NumAttentionHeads)
			require.Equal(t, want.NumKeyValueHeads, got.NumKeyValueHeads)
			require.Equal(t, want.HeadDim, got.HeadDim)
			require.Equal(t, want.VocabSize, got.VocabSize)
			require.Equal(t, want.MaxPositionEmbeddings, got.MaxPositionEmbeddings)
			require.Equal(t, want.RMSNormEps, got.RMSNormEps)
			require.Equal(t, want.RopeTheta, got.RopeTheta)
			require.Equal(t, want.TieWordEmbeddings, got.TieWordEmbeddings)
			require.Equal(t, want.HiddenAct, got.HiddenAct)
			require.Equal(t, dtypes[want.DType], got.DType)
			require.Equal(t, want.BOS, got.BOSTokenID)
			require.True(t, slices.Equal(want.EOS, got.EOSTokenIDs), "%v", got.EOSTokenIDs)
			require.Len(t, got.LayerTypes, len(want.Windows))
			for i, w := range want.Windows {
				require.Equal(t, w, got.Window(i), "layer %d", i)
			}
		})
	}
}

// small is a valid config.json to change one key of.
func small() map[string]any {
	return map[string]any{
		"architectures": []string{"Qwen2ForCausalLM"}, "model_type": "qwen2",
		"vocab_size": 100, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
		"num_attention_heads": 4, "num_key_value_heads": 2,
	}
}

func with(changes map[string]any) []byte {
	c := small()
	maps.Copy(c, changes)
	for k, v := range changes {
		if v == "missing" {
			delete(c, k)
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return data
}

type object = map[string]any

func TestParseConfigRefusesByName(t *testing.T) {
	unsupported, wrong := model.ErrUnsupported, model.ErrConfig
	for _, c := range []struct {
		change object
		kind   error
		want   string
	}{
		{object{"vocab_size": "missing"}, wrong, "vocab_size is missing"},
		{object{"hidden_size": nil}, wrong, "hidden_size is missing"},
		{object{"num_key_value_heads": "missing"}, wrong, "num_key_value_heads is missing"},
		{object{"num_attention_heads": 0}, wrong, "num_attention_heads is 0, want an integer from 1 to 4096"},
		{object{"num_key_value_heads": 0}, wrong, "num_key_value_heads is 0"},
		{object{"num_hidden_layers": 0}, wrong, "num_hidden_layers is 0"},
		{object{"num_hidden_layers": -1}, wrong, "num_hidden_layers is -1"},
		{object{"num_hidden_layers": int64(1) << 40}, wrong, "num_hidden_layers is 1099511627776"},
		{object{"hidden_size": json.Number("1e400")}, wrong, "hidden_size is 1e400"},
		{object{"hidden_size": 64.5}, wrong, "hidden_size is 64.5, want an integer"},
		{object{"hidden_size": "64"}, wrong, `hidden_size is "64", want an integer`},
		{object{"hidden_size": strings.Repeat("9", 1000)}, wrong, `9"...`},
		{object{"num_attention_heads": 14, "num_key_value_heads": 4, "hidden_size": 56}, wrong,
			"num_attention_heads (14) is not a multiple of num_key_value_heads (4)"},
		{object{"hidden_size": 66}, wrong, "hidden_size (66) is not a multiple of num_attention_heads (4)"},
		{object{"hidden_size": 36}, wrong, "hidden_size (36) / num_attention_heads (4) is 9, want an even number"},
		{object{"head_dim": 7}, wrong, "head_dim (7) is odd"},
		{object{"head_dim": 0}, wrong, "head_dim is 0"},
		{object{"head_dim": 1 << 20}, wrong, "head_dim is 1048576, want an integer from 1 to 1024"},
		{object{"vocab_size": 1 << 30}, wrong, "vocab_size is 1073741824"},
		{object{"max_position_embeddings": 0}, wrong, "max_position_embeddings is 0"},
		{object{"rms_norm_eps": -1}, wrong, "rms_norm_eps is -1"},
		{object{"rms_norm_eps": "x"}, wrong, `rms_norm_eps is "x", want a number`},
		{object{"rope_theta": 0}, wrong, "rope_theta is 0"},
		{object{"rope_theta": json.Number("1e999")}, wrong, "rope_theta is 1e999"},
		{object{"tie_word_embeddings": "yes"}, wrong, `tie_word_embeddings is "yes", want true or false`},
		{object{"hidden_act": "gelu"}, unsupported, `hidden_act "gelu", want "silu"`},
		{object{"architectures": []string{"A", "B"}}, unsupported, `architectures ["A" "B"], want one`},
		{object{"architectures": "missing", "model_type": "llama"}, wrong, `model_type "llama"`},
		{object{"model_type": "llama"}, wrong, `architectures "Qwen2ForCausalLM" contradicts model_type "llama"`},
		{object{"architectures": []any{nil}}, wrong, "architectures[0] is null"},
		{object{"rope_scaling": object{"type": "yarn", "factor": 4.0}}, unsupported, `rope_scaling: type "yarn", want "default"`},
		{object{"rope_scaling": object{"rope_type": "linear", "factor": 2}}, unsupported, `rope_scaling: rope_type "linear"`},
		{object{"rope_parameters": object{"rope_type": "llama3"}}, unsupported, `rope_parameters: rope_type "llama3"`},
		{object{"rope_scaling": object{"factor": 4.0}}, unsupported, `rope_scaling: unknown keys, which may change the result: "factor"`},
		{object{"rope_parameters": object{"partial_rotary_factor": 0.5}}, unsupported, "partial_rotary_factor 0.5"},
		{object{"rope_parameters": object{"full_attention": object{}}}, unsupported, `"full_attention"`},
		{object{"rope_theta": 1e4, "rope_parameters": object{"rope_theta": 1e6}}, wrong, "rope_theta is 1e+06 here and 10000 elsewhere"},
		{object{"rope_parameters": []int{1}}, wrong, "rope_parameters is [1], want an object"},
		{object{"use_sliding_window": true, "sliding_window": 0}, wrong, "sliding_window is 0"},
		{object{"max_window_layers": -1}, wrong, "max_window_layers is -1"},
		{object{"layer_types": []string{"full_attention"}}, wrong, "layer_types has 1 entries, num_hidden_layers is 2"},
		{object{"layer_types": []string{"full_attention", "linear_attention"}}, unsupported, `layer_types[1] is "linear_attention"`},
		{object{"layer_types": []string{"full_attention", "sliding_attention"}}, wrong, "layer_types[1] is"},
		{object{"dtype": "float64"}, unsupported, `dtype "float64"`},
		{object{"torch_dtype": "auto"}, unsupported, `dtype "auto"`},
		{object{"eos_token_id": 100}, wrong, "eos_token_id (100) is outside vocab_size (100)"},
		{object{"eos_token_id": []int{1, -1}}, wrong, "eos_token_id[1] is -1"},
		{object{"eos_token_id": []any{1, nil}}, wrong, "eos_token_id[1] is null"},
		{object{"eos_token_id": "x"}, wrong, "eos_token_id"},
		{object{"eos_token_id": make([]int, 5000)}, wrong, "eos_token_id has 5000 entries"},
		{object{"bos_token_id": int64(1) << 33}, wrong, "bos_token_id is 8589934592"},
		{object{"quantization_config": object{"quant_method": "gptq", "bits": 4}}, unsupported, `quant_method "gptq"`},
		{object{"quantization_config": object{}}, unsupported, `quant_method ""`},
		{object{"quantization_config": object{"quant_method": "zen", "format": "int4", "bits": 4, "group_size": 64}},
			unsupported, `format "int4", bits 4, group_size 64`},
		{object{"quantization_config": object{"quant_method": "zen", "format": "int8", "bits": 8, "group_size": 64, "x": 1}},
			unsupported, `quantization_config: unknown keys, which may change the result: "x"`},
		{object{"is_causal": false, "pretraining_tp": 2}, unsupported, "is_causal false, pretraining_tp 2"},
		{object{"vision_config": object{}, "logit_scale": 2, "initializer_range": 1}, unsupported,
			`unknown keys, which may change the result: "logit_scale", "vision_config"`},
		{object{"Hidden_Size": 32}, unsupported, `"Hidden_Size"`},
	} {
		t.Run(fmt.Sprint(c.change)[:min(60, len(fmt.Sprint(c.change)))], func(t *testing.T) {
			got, err := model.ParseConfig(with(c.change))
			require.Nil(t, got)
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, "config.json")
			require.ErrorContains(t, err, c.want)
			require.Less(t, len(err.Error()), 2000)
		})
	}
}

func TestParseConfigRefusesWhatIsNotOneObject(t *testing.T) {
	for data, want := range map[string]string{
		"":                         "EOF",
		"null":                     "not a JSON object",
		"[]":                       "not a JSON object",
		"{} {}":                    "data after",
		"{\"a\":1,\"a\":1}":        `duplicate key "a"`,
		`{"a":{"b":1,"\u0062":2}}`: `duplicate key "b"`,
		"{\"a\":\"\xff\"}":         "UTF-8",
		"{":                        "EOF",
		`{"a" 1}`:                  "invalid",
		`{"a":NaN}`:                "invalid",
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}": "nested deeper",
		`{"a":"` + strings.Repeat("x", model.MaxConfigBytes) + `"}`:         "limit 1048576",
	} {
		_, err := model.ParseConfig([]byte(data))
		require.ErrorIs(t, err, model.ErrConfig)
		require.ErrorContains(t, err, want, "%.40q", data)
		_, err = model.ParseGenerationConfig([]byte(data))
		require.ErrorIs(t, err, model.ErrConfig)
	}
}

func TestParseConfigReadsTheProjectsQuantization(t *testing.T) {
	c, err := model.ParseConfig(with(object{"quantization_config": object{
		"quant_method": "zen", "format": "int8", "bits": 8, "group_size": 64,
	}}))
	require.NoError(t, err)
	require.Equal(t, &model.Quantization{QuantMethod: "zen", Format: "int8", Bits: 8, GroupSize: 64}, c.Quantization)
}

func TestParseConfigTakesPaddingOutsideTheVocabularyForNone(t *testing.T) {
	for _, pad := range []int{-1, 100} {
		c, err := model.ParseConfig(with(object{"pad_token_id": pad}))
		require.NoError(t, err)
		require.Nil(t, c.PadTokenID)
	}
	c, err := model.ParseConfig(with(object{"pad_token_id": 99, "hidden_act": "swish", "unsloth_fixed": true}))
	require.NoError(t, err)
	require.Equal(t, int32(99), *c.PadTokenID)
	require.Equal(t, "silu", c.HiddenAct)
}

func TestParseConfigTakesNullForMissing(t *testing.T) {
	c, err := model.ParseConfig(with(object{
		"head_dim": nil, "layer_types": nil, "quantization_config": nil, "torch_dtype": nil,
		"rope_parameters": nil, "vision_config": nil, "eos_token_id": nil, "rms_norm_eps": nil,
	}))
	require.NoError(t, err)
	require.Equal(t, 16, c.HeadDim)
	require.Equal(t, 1e-6, c.RMSNormEps)
}

func TestParseGenerationConfigReadsTransformersFiles(t *testing.T) {
	files := readCases(t).GenerationConfigs
	qwen, err := model.ParseGenerationConfig(files[0])
	require.NoError(t, err)
	require.Equal(t, &model.GenerationConfig{
		DoSample: new(true), Temperature: new(0.7), TopK: new(20), TopP: new(0.8), RepetitionPenalty: new(1.05),
		EOSTokenIDs: []int32{151645, 151643}, BOSTokenID: new(int32(151643)), PadTokenID: new(int32(151643)),
	}, qwen)
	unset, err := model.ParseGenerationConfig(files[1])
	require.NoError(t, err)
	require.Equal(t, &model.GenerationConfig{}, unset)
	defaults, err := model.ParseGenerationConfig(files[2])
	require.NoError(t, err)
	require.Equal(t, &model.GenerationConfig{
		DoSample: new(false), Temperature: new(1.0), TopK: new(50), TopP: new(1.0), TypicalP: new(1.0),
		RepetitionPenalty: new(1.0), MaxLength: new(20),
	}, defaults)
	rest, err := model.ParseGenerationConfig(files[3])
	require.NoError(t, err)
	require.Equal(t, &model.GenerationConfig{
		MinP: new(0.05), TypicalP: new(0.9), MaxNewTokens: new(2048), MaxLength: new(4096),
		StopStrings: []string{"END"}, EOSTokenIDs: []int32{2},
	}, rest)
}

func TestParseGenerationConfigRefusesByName(t *testing.T) {
	for data, want := range map[string]string{
		`{"num_beams": 4}`:                        "num_beams 4",
		`{"penalty_alpha": 0.6, "top_k": 4}`:      "penalty_alpha 0.6",
		`{"no_repeat_ngram_size": 3}`:             "no_repeat_ngram_size 3",
		`{"suppress_tokens": [1]}`:                "suppress_tokens [1]",
		`{"min_new_tokens": 1, "eta_cutoff": .1}`: "", // not JSON
		`{"guidance_scale": 1.5}`:                 "guidance_scale 1.5",
		`{"frequency_penalty": 1}`:                "frequency_penalty 1",
		`{"chat_format": "raw"}`:                  `unknown keys, which may change the result: "chat_format"`,
		`{"temperature": -1}`:                     "temperature is -1",
		`{"temperature": "hot"}`:                  `temperature is "hot"`,
		`{"top_p": 1.5}`:                          "top_p is 1.5",
		`{"top_k": -1}`:                           "top_k is -1",
		`{"repetition_penalty": 0}`:               "repetition_penalty is 0",
		`{"max_new_tokens": 0}`:                   "max_new_tokens is 0",
		`{"stop_strings": ["a", ""]}`:             "stop_strings has an empty string",
		`{"stop_strings": 3}`:                     "stop_strings is 3",
		`{"eos_token_id": 1.5}`:                   "eos_token_id is 1.5",
		`{"do_sample": 1}`:                        "do_sample is 1",
	} {
		g, err := model.ParseGenerationConfig([]byte(data))
		require.Nil(t, g, data)
		require.ErrorContains(t, err, "generation_config.json: "+want, data)
	}
	g, err := model.ParseGenerationConfig([]byte(`{"num_beams": 1.0, "suppress_tokens": [ ], "diversity_penalty": 0e5}`))
	require.NoError(t, err)
	require.Equal(t, &model.GenerationConfig{}, g)
}

func FuzzParseConfig(f *testing.F) {
	for _, c := range readCases(f).Configs {
		f.Add([]byte(c.Config))
	}
	f.Add(with(object{"quantization_config": object{"quant_method": "zen", "format": "int8", "bits": 8, "group_size": 64}}))
	f.Add(with(object{"rope_scaling": object{"type": "yarn"}, "eos_token_id": []int{1, 2}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := model.ParseConfig(data)
		if err != nil {
			require.Nil(t, c)
			require.Less(t, len(err.Error()), 1<<14)
			return
		}
		require.Positive(t, c.HeadDim)
		require.Zero(t, c.HeadDim%2)
		require.Zero(t, c.NumAttentionHeads%c.NumKeyValueHeads)
		require.NotEmpty(t, c.Architecture)
		require.True(t, c.RopeTheta >= 1 && c.RMSNormEps >= 0)
		for i := range c.NumHiddenLayers {
			require.GreaterOrEqual(t, c.Window(i), 0)
		}
		for _, id := range c.EOSTokenIDs {
			require.True(t, id >= 0 && int(id) < c.VocabSize)
		}
	})
}

func FuzzParseGenerationConfig(f *testing.F) {
	for _, g := range readCases(f).GenerationConfigs {
		f.Add([]byte(g))
	}
	f.Add([]byte(`{"stop_strings": ["a"], "num_beams": 2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := model.ParseGenerationConfig(data)
		if err != nil {
			require.Nil(t, g)
			return
		}
		require.False(t, g.Temperature != nil && !(*g.Temperature >= 0))
		require.False(t, g.TopP != nil && !(*g.TopP >= 0 && *g.TopP <= 1))
		require.NotContains(t, g.StopStrings, "")
	})
}

func ExampleParseConfig() {
	c, err := model.ParseConfig([]byte(`{
		"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
		"vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
		"num_attention_heads": 4, "num_key_value_heads": 2,
		"rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Architecture, c.HeadDim, c.RopeTheta, c.LayerTypes)
	// Output: Qwen2ForCausalLM 16 1e+06 [full_attention full_attention]
}

func ExampleParseGenerationConfig() {
	g, err := model.ParseGenerationConfig([]byte(`{"do_sample": true, "temperature": 0.7, "eos_token_id": [2, 3]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*g.DoSample, *g.Temperature, g.TopK == nil, g.EOSTokenIDs)
	// Output: true 0.7 true [2 3]
}
