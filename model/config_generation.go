// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math"
	"slices"
)

// GenerationConfig is a checkpoint's generation_config.json: what a request that
// leaves a field unset gets. A nil field is one the file does not set.
type GenerationConfig struct {
	DoSample          *bool    // false: take the most likely token
	Temperature       *float64 // at least 0
	TopK              *int     // 0: no limit
	TopP              *float64 // 0 to 1
	MinP              *float64 // 0 to 1
	TypicalP          *float64 // 0 to 1
	RepetitionPenalty *float64 // above 0; 1 does nothing

	MaxNewTokens *int // at least 1
	MaxLength    *int // prompt and answer together; MaxNewTokens wins where both are set

	StopStrings []string
	EOSTokenIDs []int32
	BOSTokenID  *int32
	PadTokenID  *int32
}

// ParseGenerationConfig reads a generation_config.json as transformers 4 or 5
// writes it. A setting that changes what is generated and is not implemented is
// an error that matches ErrUnsupported and names it, unless it has the value
// that does nothing; so is an unknown key. A malformed file or a value out of
// range matches ErrConfig.
func ParseGenerationConfig(data []byte) (*GenerationConfig, error) {
	f, err := parseFields("generation_config.json", data)
	if err != nil {
		return nil, err
	}
	g := &GenerationConfig{
		Temperature:       f.optionalFloat("temperature", 0, math.MaxFloat32),
		TopK:              f.optionalInt("top_k", 0, maxTokenID),
		TopP:              f.optionalFloat("top_p", 0, 1),
		MinP:              f.optionalFloat("min_p", 0, 1),
		TypicalP:          f.optionalFloat("typical_p", 0, 1),
		RepetitionPenalty: f.optionalFloat("repetition_penalty", math.SmallestNonzeroFloat32, math.MaxFloat32),
		MaxNewTokens:      f.optionalInt("max_new_tokens", 1, maxTokenID),
		MaxLength:         f.optionalInt("max_length", 1, maxTokenID),
		StopStrings:       f.stopStrings(),
		EOSTokenIDs:       f.ids("eos_token_id"),
		BOSTokenID:        f.id("bos_token_id"),
		PadTokenID:        f.id("pad_token_id"),
	}
	if f.has("do_sample") {
		g.DoSample = new(f.bool("do_sample", false))
	}
	f.use("do_sample")
	f.neutral(neutralGenerationKeys())
	f.rest(harmlessGenerationKey)
	if f.err != nil {
		return nil, f.err
	}
	return g, nil
}

// stopStrings reads a string or a list of them.
func (f *fields) stopStrings() []string {
	const key = "stop_strings"
	var stops []string
	if f.has(key) && f.raw[key][0] == '"' {
		stops = []string{f.string(key, "")}
	} else {
		stops = f.strings(key)
	}
	if slices.Contains(stops, "") {
		f.wrong("%s has an empty string", key)
	}
	return stops
}

// neutralGenerationKeys returns the settings that change what is generated, each
// with the values that do nothing. null always does nothing.
func neutralGenerationKeys() map[string][]string {
	return map[string][]string{
		// search other than sampling and taking the most likely token
		"assistant_early_exit":     nil,
		"constraints":              {"[]"},
		"diversity_penalty":        {"0"},
		"dola_layers":              nil,
		"force_words_ids":          {"[]"},
		"generation_kwargs":        {"{}"},
		"num_beam_groups":          {"1"},
		"num_beams":                {"1"},
		"num_return_sequences":     {"1"},
		"penalty_alpha":            {"0"},
		"prompt_lookup_num_tokens": nil,
		"speculation_type":         nil,
		"use_mtp":                  {"false"},
		// changes to the logits
		"bad_words_ids":                    {"[]"},
		"begin_suppress_tokens":            {"[]"},
		"encoder_no_repeat_ngram_size":     {"0"},
		"encoder_repetition_penalty":       {"1"},
		"epsilon_cutoff":                   {"0"},
		"eta_cutoff":                       {"0"},
		"exponential_decay_length_penalty": nil,
		"forced_bos_token_id":              nil,
		"forced_eos_token_id":              nil,
		"frequency_penalty":                {"0"},
		"guidance_scale":                   {"1"},
		"min_length":                       {"0"},
		"min_new_tokens":                   {"0"},
		"no_repeat_ngram_size":             {"0"},
		"presence_penalty":                 {"0"},
		"remove_invalid_values":            {"false"},
		"sequence_bias":                    {"{}", "[]"},
		"suppress_tokens":                  {"[]"},
		"token_healing":                    {"false"},
		"top_h":                            nil,
		"watermarking_config":              nil,
		// when to stop
		"max_time": nil,
	}
}

// harmlessGenerationKey reports whether a key of generation_config.json does not
// change the tokens of one sequence generated without beams or an assistant.
func harmlessGenerationKey(key string) bool {
	switch key {
	case // for beams
		"early_stopping", "length_penalty", "low_memory":
	case // rescales logprobs after the filters; probabilities stay
		"renormalize_logits":
	case // for an assistant model
		"assistant_confidence_threshold", "assistant_ensemble_weight", "assistant_lookbehind",
		"is_assistant", "max_matching_ngram_size", "num_assistant_tokens",
		"num_assistant_tokens_schedule", "target_lookbehind":
	case // for encoders
		"decoder_start_token_id":
	case // cache, compilation, outputs
		"cache_config", "cache_implementation", "compile_config", "continuous_batching_config",
		"disable_compile", "max_cache_len", "output_attentions", "output_hidden_states",
		"output_logits", "output_scores", "prefill_chunk_size", "return_dict_in_generate",
		"return_legacy_cache", "use_cache", "use_model_defaults":
	case // origin
		"_commit_hash", "_from_model_config", "transformers_version":
	default:
		return false
	}
	return true
}
