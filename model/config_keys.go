// SPDX-License-Identifier: Apache-2.0

package model

import "strings"

// neutralConfigKeys returns the keys that would change the result, each with the
// values that leave it alone. null always does.
func neutralConfigKeys() map[string][]string {
	return map[string][]string{
		"add_cross_attention":         {"false"},
		"auto_map":                    {"{}"}, // the checkpoint's own code
		"cross_attention_hidden_size": nil,
		"is_causal":                   {"true"},
		"is_encoder_decoder":          {"false"},
		"mlp_bias":                    {"false"},
		"partial_rotary_factor":       {"1"},
		"per_layer_config":            {"{}"},
		"pretraining_tp":              {"1"},
		"pruned_heads":                {"{}"},
		"use_mrope":                   {"false"},
		"use_qk_norm":                 {"false"},
	}
}

// harmlessConfigKey reports whether a key of config.json does not change what
// Qwen2ForCausalLM computes: fields of transformers' PreTrainedConfig for
// training, other heads, outputs and the choice of kernel; generation settings,
// which transformers 5 drops from config.json and keeps in
// generation_config.json; marks that tools leave behind.
func harmlessConfigKey(key string) bool {
	switch key {
	case // training and other heads
		"attention_dropout", "classifier_dropout", "embd_pdrop", "finetuning_task", "id2label",
		"initializer_range", "label2id", "num_labels", "problem_type", "resid_pdrop",
		"task_specific_params", "tf_legacy_loss":
	case // outputs, memory and the choice of kernel
		"attn_implementation", "chunk_size_feed_forward", "experts_implementation",
		"is_decoder", "output_attentions", "output_hidden_states", "return_dict",
		"tie_encoder_decoder", "torchscript", "use_bfloat16", "use_cache":
	case // Qwen2's Q, K and V always have a bias; a bias on O would be an unknown tensor
		"attention_bias", "qkv_bias":
	case // origin
		"_attn_implementation", "_attn_implementation_autoset", "_commit_hash",
		"_flash_attn_2_enabled", "_name_or_path", "name_or_path", "tokenizer_class",
		"transformers_version", "transformers.js_config":
	case // special tokens of other architectures
		"decoder_start_token_id", "prefix", "sep_token_id":
	case // transformers 5: GenerationConfig._get_default_generation_params
		"assistant_confidence_threshold", "assistant_lookbehind", "bad_words_ids",
		"begin_suppress_tokens", "diversity_penalty", "do_sample", "early_stopping",
		"encoder_no_repeat_ngram_size", "encoder_repetition_penalty", "epsilon_cutoff",
		"eta_cutoff", "exponential_decay_length_penalty", "forced_bos_token_id",
		"forced_eos_token_id", "length_penalty", "max_length", "min_length",
		"no_repeat_ngram_size", "num_assistant_tokens", "num_assistant_tokens_schedule",
		"num_beam_groups", "num_beams", "num_return_sequences", "output_scores",
		"remove_invalid_values", "repetition_penalty", "return_dict_in_generate",
		"suppress_tokens", "target_lookbehind", "temperature", "top_k", "top_p", "typical_p":
	default:
		return strings.HasPrefix(key, "unsloth_")
	}
	return true
}
