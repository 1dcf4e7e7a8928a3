# SPDX-License-Identifier: Apache-2.0
"""Writes ../config_cases.json: config.json files and what transformers makes of them."""
import json, os, warnings
import transformers
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM
import torch

transformers.logging.set_verbosity_error()
here = os.path.dirname(os.path.abspath(__file__))

# Qwen2.5-3B-Instruct's and Qwen2.5-7B's own keys, as published (transformers 4).
base = {
    "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
    "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
    "intermediate_size": 11008, "max_position_embeddings": 32768, "max_window_layers": 70,
    "model_type": "qwen2", "num_attention_heads": 16, "num_hidden_layers": 36,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
    "sliding_window": 32768, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
    "transformers_version": "4.43.1", "use_cache": True, "use_sliding_window": False,
    "vocab_size": 151936,
}
small = {**base, "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4,
         "intermediate_size": 96, "vocab_size": 160, "bos_token_id": 1, "eos_token_id": 2,
         "max_window_layers": 2}


def less(d, *keys):
    return {k: v for k, v in d.items() if k not in keys}


five = {**less(small, "rope_theta", "torch_dtype"),
        "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}, "dtype": "float16"}
cases = {
    "Qwen2.5-3B-Instruct": base,
    "Qwen2.5-7B": {**base, "hidden_size": 3584, "intermediate_size": 18944, "max_window_layers": 28,
                   "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4,
                   "rope_theta": 1000000, "sliding_window": 131072, "tie_word_embeddings": False,
                   "vocab_size": 152064, "max_position_embeddings": 131072, "use_mrope": False},
    "saved by transformers 5": json.loads(Qwen2Config(**small).to_json_string(use_diff=True)) | {"architectures": ["Qwen2ForCausalLM"]},
    "rope_parameters": five,
    "rope_parameters without theta": {**five, "rope_parameters": {"rope_type": "default"}},
    "rope_parameters and the same rope_theta": {**five, "rope_theta": 500000},
    "rope_scaling null": {**small, "rope_scaling": None},
    "rope_scaling of the default type": {**small, "rope_scaling": {"type": "default"}},
    "no rope_theta": less(small, "rope_theta"),
    "sliding window off": {**small, "sliding_window": 16},
    "sliding window on": {**small, "use_sliding_window": True, "sliding_window": 16},
    "sliding window on, null": {**small, "use_sliding_window": True, "sliding_window": None},
    "sliding window on, missing": less({**small, "use_sliding_window": True}, "sliding_window"),
    "sliding window in all layers": {**small, "use_sliding_window": True, "sliding_window": 16, "max_window_layers": 0},
    "max_window_layers missing": less({**small, "use_sliding_window": True, "num_hidden_layers": 30}, "max_window_layers"),
    "layer_types": {**small, "use_sliding_window": True, "sliding_window": 16,
                    "layer_types": ["sliding_attention", "full_attention"] * 2},
    "layer_types full, window on": {**small, "use_sliding_window": True, "layer_types": ["full_attention"] * 4},
    "head_dim": {**small, "head_dim": 32},
    "num_key_value_heads null": {**small, "num_key_value_heads": None},
    "defaults": less(small, "hidden_act", "max_position_embeddings", "rms_norm_eps", "rope_theta",
                     "tie_word_embeddings", "use_sliding_window", "sliding_window", "max_window_layers",
                     "bos_token_id", "eos_token_id", "torch_dtype"),
    "eos list": {**small, "eos_token_id": [2, 3]},
    "generation keys are dropped": {**small, "temperature": 0.5, "num_beams": 4},
    "dtype wins over torch_dtype": {**small, "dtype": "float32"},
}
out = []
for name, cfg in cases.items():
    c = Qwen2Config.from_dict(json.loads(json.dumps(cfg)))
    with torch.device("meta"):
        m = Qwen2ForCausalLM(c)  # refuses what it cannot build
    eos = c.eos_token_id
    out.append({"name": name, "config": cfg, "want": {
        "hidden_size": c.hidden_size, "intermediate_size": c.intermediate_size,
        "num_hidden_layers": c.num_hidden_layers, "num_attention_heads": c.num_attention_heads,
        "num_key_value_heads": c.num_key_value_heads,
        "head_dim": m.model.layers[0].self_attn.head_dim,
        "vocab_size": c.vocab_size, "max_position_embeddings": c.max_position_embeddings,
        "rms_norm_eps": c.rms_norm_eps, "rope_theta": c.rope_parameters["rope_theta"],
        "tie_word_embeddings": c.tie_word_embeddings, "hidden_act": c.hidden_act,
        "windows": [layer.self_attn.sliding_window or 0 for layer in m.model.layers],
        "dtype": str(c.dtype).removeprefix("torch."),
        "eos": [] if eos is None else eos if isinstance(eos, list) else [eos],
        "bos": c.bos_token_id,
    }})

gen = [
    {"bos_token_id": 151643, "pad_token_id": 151643, "do_sample": True, "eos_token_id": [151645, 151643],
     "repetition_penalty": 1.05, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "transformers_version": "4.37.0"},
    json.loads(GenerationConfig().to_json_string(use_diff=False)),
    json.loads(GenerationConfig(**GenerationConfig._get_default_generation_params()).to_json_string(use_diff=False)),
    {"eos_token_id": 2, "max_new_tokens": 2048, "max_length": 4096, "min_p": 0.05, "typical_p": 0.9, "stop_strings": "END"},
]
with open(os.path.join(here, "..", "config_cases.json"), "w") as f:
    json.dump({"transformers": transformers.__version__, "torch": torch.__version__,
               "configs": out, "generation_configs": gen}, f, indent=1)
    f.write("\n")
