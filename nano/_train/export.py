# SPDX-License-Identifier: Apache-2.0
"""Writes the model directories: bfloat16 as transformers reads it, and int8 as it is embedded."""

import argparse
import json
import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file

GROUP = 64
TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
            "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": 4096, "hidden_size": 256, "intermediate_size": 768,
    "num_hidden_layers": 8, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "hidden_act": "silu",
    "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": True, "attention_dropout": 0.0,
    "use_sliding_window": False, "use_cache": True, "initializer_range": 0.02, "torch_dtype": "bfloat16",
    "bos_token_id": 4093, "eos_token_id": [4095, 4093], "pad_token_id": 4093,
}
GENERATION = {"do_sample": True, "temperature": 0.5, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.0, "max_new_tokens": 320,
              "bos_token_id": 4093, "eos_token_id": [4095, 4093], "pad_token_id": 4093}
QUANTIZATION = {"quant_method": "zen", "format": "int8", "bits": 8, "group_size": GROUP}


def special(text):
    return {"content": text, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}


TOKENIZER = {
    "add_bos_token": False, "add_prefix_space": False,
    "added_tokens_decoder": {str(4093 + i): special(t) for i, t in enumerate(("<|endoftext|>", "<|im_start|>", "<|im_end|>"))},
    "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None, "chat_template": TEMPLATE,
    "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace", "model_max_length": 512,
    "pad_token": "<|endoftext|>", "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
}


def quantise(w):
    """Returns int8 values and float16 scales of w [out, in], one scale for 64 consecutive inputs.

    Of 41 candidate scales around absmax/127 each block takes the one with the
    least squared error, measured with the scale as float16 holds it.
    """
    out, width = w.shape
    blocks = w.float().reshape(out, width // GROUP, GROUP)
    top = blocks.abs().amax(-1, keepdim=True) / 127
    best_error, best_q, best_scale = None, None, None
    for factor in torch.linspace(0.80, 1.04, 49):
        scale = (top * factor).to(torch.float16).float().clamp(min=6e-8)
        q = (blocks / scale).round().clamp(-127, 127)
        error = (q * scale - blocks).pow(2).sum(-1, keepdim=True)
        if best_error is None:
            best_error, best_q, best_scale = error, q, scale
        else:
            better = error < best_error
            best_error = torch.where(better, error, best_error)
            best_q = torch.where(better, q, best_q)
            best_scale = torch.where(better, scale, best_scale)
    return best_q.to(torch.int8).reshape(out, width), best_scale.squeeze(-1).to(torch.float16)


def is_matrix(name, tensor):
    return tensor.dim() == 2 and name.endswith(".weight")


def to_int8(weights):
    out = {}
    for name, w in weights.items():
        if is_matrix(name, w):
            out[name], out[name + "_scale"] = quantise(w)
        else:
            out[name] = w.to(torch.bfloat16)
    return out


def dequantise(tensors):
    """The float32 weights an int8 file stands for."""
    out = {}
    for name, t in tensors.items():
        if name.endswith("_scale"):
            continue
        if t.dtype == torch.int8:
            scale = tensors[name + "_scale"].float()
            out[name] = (t.float().reshape(*scale.shape, GROUP) * scale[..., None]).reshape(t.shape)
        else:
            out[name] = t.float()
    return out


def write(folder, weights, config, tokenizer):
    folder.mkdir(parents=True, exist_ok=True)
    dump = lambda name, data: (folder / name).write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    dump("config.json", config)
    dump("generation_config.json", GENERATION)
    dump("tokenizer_config.json", TOKENIZER)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    save_file({k: v.contiguous() for k, v in weights.items()}, str(folder / "model.safetensors"), {"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="bf16 weights from train.py")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--int8", type=pathlib.Path, required=True)
    parser.add_argument("--bf16", type=pathlib.Path, required=True)
    args = parser.parse_args()
    weights = load_file(args.weights)
    small = to_int8(weights)
    write(args.bf16, weights, CONFIG, args.tokenizer)
    write(args.int8, small, {**CONFIG, "quantization_config": QUANTIZATION}, args.tokenizer)
    loss = [((a - weights[n].float()).norm() / weights[n].float().norm()).item() for n, a in dequantise(small).items() if is_matrix(n, a)]
    print("bytes", (args.int8 / "model.safetensors").stat().st_size, "relative error of the matrices", max(loss), sum(loss) / len(loss))


if __name__ == "__main__":
    main()
