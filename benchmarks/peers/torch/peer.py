# SPDX-License-Identifier: Apache-2.0
"""Makes random checkpoints for zenbench and times transformers on the same weights.

    python peer.py make 3b DIR        writes config.json and BF16 weights, no tokenizer
    python peer.py time DIR [BATCH]   prefill of 512 and 2,048 tokens, decode after 512

Decoding is transformers' model with a static cache under torch.compile(mode="reduce-overhead"),
whose steps are CUDA graphs; prefill is the same model run eagerly, with flash attention through
scaled_dot_product_attention. Figures are medians of 5 after warm-ups, by wall clock around a
synchronised device. Written for torch 2.11 and transformers 5.17.
"""
import glob
import json
import os
import statistics
import sys
import time

import torch

SHAPES = {
    "3b": dict(hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16,
               num_key_value_heads=2, tie_word_embeddings=True),
    "7b": dict(hidden_size=3584, intermediate_size=18944, num_hidden_layers=28, num_attention_heads=28,
               num_key_value_heads=4, tie_word_embeddings=False),
    "05b": dict(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                num_key_value_heads=2, tie_word_embeddings=True),
}
COMMON = dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", hidden_act="silu", vocab_size=151936,
              max_position_embeddings=32768, rms_norm_eps=1e-6, rope_theta=1000000.0, torch_dtype="bfloat16",
              bos_token_id=151643, eos_token_id=151645, attention_dropout=0.0, use_sliding_window=False,
              initializer_range=0.02, use_cache=True)


def tensors(c):
    """The checkpoint's names and shapes."""
    h, i = c["hidden_size"], c["intermediate_size"]
    q = h
    kv = h // c["num_attention_heads"] * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], h)
    for n in range(c["num_hidden_layers"]):
        p = f"model.layers.{n}."
        for name, out in (("q", q), ("k", kv), ("v", kv)):
            yield f"{p}self_attn.{name}_proj.weight", (out, h)
            yield f"{p}self_attn.{name}_proj.bias", (out,)
        yield p + "self_attn.o_proj.weight", (h, q)
        yield p + "mlp.gate_proj.weight", (i, h)
        yield p + "mlp.up_proj.weight", (i, h)
        yield p + "mlp.down_proj.weight", (h, i)
        yield p + "input_layernorm.weight", (h,)
        yield p + "post_attention_layernorm.weight", (h,)
    yield "model.norm.weight", (h,)
    if not c["tie_word_embeddings"]:
        yield "lm_head.weight", (c["vocab_size"], h)


def make(shape, folder):
    from safetensors.torch import save_file

    config = {**COMMON, **SHAPES[shape]}
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config, f, indent=1)
    torch.manual_seed(1)
    weights = {}
    for name, dims in tensors(config):
        t = torch.randn(dims, device="cuda", dtype=torch.bfloat16)
        if "norm" in name:
            t = 1 + 0.1 * t
        else:
            t *= 0.02 if len(dims) == 1 else dims[1] ** -0.5
        weights[name] = t.cpu()
    save_file(weights, f"{folder}/model.safetensors", metadata={"format": "pt"})


def load(folder):
    from safetensors.torch import load_file
    from transformers import Qwen2Config, Qwen2ForCausalLM

    with open(f"{folder}/config.json") as f:
        config = Qwen2Config(**json.load(f))
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    model = model.to_empty(device="cuda").to(torch.bfloat16)
    weights = {}
    for file in sorted(glob.glob(f"{folder}/*.safetensors")):
        weights.update(load_file(file, device="cuda"))
    missing, unknown = model.load_state_dict(weights, strict=False, assign=True)
    assert not unknown and missing in ([], ["lm_head.weight"]), (missing, unknown)
    if config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    with torch.device("cuda"):
        model.model.rotary_emb = type(model.model.rotary_emb)(config=config)
    return model.eval()


def median(f, runs=5, warm=2):
    times = []
    for i in range(warm + runs):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        f()
        torch.cuda.synchronize()
        if i >= warm:
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


@torch.no_grad()
def measure(folder, batch):
    from transformers import StaticCache

    model = load(folder)
    vocab = model.config.vocab_size
    ids = lambda rows, n: torch.randint(vocab, (rows, n), device="cuda")
    if batch == 1:
        for n in (512, 2048):
            prompt = ids(1, n)
            took = median(lambda: model(prompt, use_cache=True, logits_to_keep=1))
            print(f"torch {folder} prefill {n}: {1e3 * took:.2f} ms, {n / took:.0f} tok/s", flush=True)
    depth, steps = 512, 64
    cache = StaticCache(config=model.config, max_cache_len=1024, max_batch_size=batch, device="cuda",
                        dtype=torch.bfloat16)
    model(ids(batch, depth), past_key_values=cache, cache_position=torch.arange(depth, device="cuda"),
          logits_to_keep=1)

    def step(token, position):
        logits = model(token, past_key_values=cache, cache_position=position,
                       position_ids=position[None].expand(batch, 1)).logits
        return logits[:, -1].argmax(-1, keepdim=True)

    compiled = torch.compile(step, mode="reduce-overhead", fullgraph=True)

    def decode():
        token, position = ids(batch, 1), torch.tensor([depth], device="cuda")
        for _ in range(steps):
            token = compiled(token, position).clone()
            position = position + 1
        token.cpu()

    took = median(decode)
    print(f"torch {folder} decode batch {batch} at {depth}: {batch * steps / took:.1f} tok/s", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2], sys.argv[3])
    else:
        measure(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
