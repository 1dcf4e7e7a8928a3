# SPDX-License-Identifier: Apache-2.0
"""Writes the checkpoints and goldens beside this folder; ../README.md says what is in them.

    python gen.py            every case
    python gen.py CASE...    only these

A checkpoint is written first and read back with from_pretrained, so that the
goldens follow from the files alone. All arithmetic is float32 on the CPU with
transformers' eager attention. Each file records the versions in __metadata__.
"""
import json, os, shutil, sys
import torch
import transformers
import safetensors
from safetensors.torch import load_file, save_file
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2 import modeling_qwen2

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
here = os.path.dirname(os.path.abspath(__file__))
META = {"format": "pt", "torch": torch.__version__, "transformers": transformers.__version__,
        "safetensors": safetensors.__version__}
TOKENS, NEW = 40, 64
MIN_GAP, MIN_DISTINCT = 0.02, 20
GROUP = 64  # of the int8 case

# name: (dialect of config.json, dtype of the weights, Qwen2Config)
def cfg(hidden, inter, layers, heads, kv, vocab, theta, tied, **more):
    return dict(hidden_size=hidden, intermediate_size=inter, num_hidden_layers=layers,
                num_attention_heads=heads, num_key_value_heads=kv, vocab_size=vocab,
                rope_theta=theta, tie_word_embeddings=tied, rms_norm_eps=1e-6,
                max_position_embeddings=256, **more)

CASES = {
    "mha-tied": (4, "float32", cfg(48, 64, 3, 4, 4, 128, 1e4, True)),
    "gqa2-untied-sharded": (5, "float32", cfg(48, 80, 2, 4, 2, 120, 1e6, False)),
    "gqa4": (5, "float32", cfg(64, 96, 2, 8, 2, 128, 5e5, False)),
    "gqa7-tied": (4, "float32", cfg(56, 64, 2, 14, 2, 96, 1e6, True)),
    "odd": (4, "float32", cfg(36, 52, 3, 2, 1, 97, 1e6, False) | {"rms_norm_eps": 1e-5}),
    "head-dim": (4, "float32", cfg(40, 64, 2, 4, 2, 101, 1e4, True, head_dim=16)),
    "sliding": (4, "float32", cfg(48, 64, 3, 4, 2, 128, 1e6, True, use_sliding_window=True,
                                  sliding_window=8, max_window_layers=1)),
    "layer-types": (5, "float32", cfg(32, 48, 3, 4, 1, 100, 1e4, False, use_sliding_window=True,
                                      sliding_window=5, layer_types=["sliding_attention", "full_attention", "sliding_attention"])),
    "bf16": (4, "bfloat16", cfg(64, 96, 2, 4, 2, 128, 1e6, False)),
    "f16-tied": (5, "float16", cfg(64, 96, 2, 4, 1, 128, 1e6, True)),
    "int8": (4, "int8", cfg(64, 128, 2, 4, 2, 128, 1e6, False)),
    "long": (4, "float32", cfg(16, 20, 1, 2, 1, 64, 1e6, False, use_sliding_window=True,
                               sliding_window=64, max_window_layers=0) | {"max_position_embeddings": 32768}),
}


def weights(c, seed):
    """Returns random weights whose activations have about unit scale."""
    g = torch.Generator().manual_seed(seed)
    def normal(*shape, std):
        return torch.randn(*shape, generator=g) * std
    head = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    h, inter, q, kv = c.hidden_size, c.intermediate_size, c.num_attention_heads * head, c.num_key_value_heads * head
    # A tied head prefers the token it reads: keep the embedding small beside what the layers add.
    embed = 0.25 if c.tie_word_embeddings else 0.7
    w = {"model.embed_tokens.weight": normal(c.vocab_size, h, std=embed), "model.norm.weight": 1 + normal(h, std=0.3)}
    for i in range(c.num_hidden_layers):
        p = f"model.layers.{i}."
        for name, out, inp, bias, gain in [
                ("self_attn.q_proj", q, h, True, 1.5), ("self_attn.k_proj", kv, h, True, 1.5),
                ("self_attn.v_proj", kv, h, True, 1), ("self_attn.o_proj", h, q, False, 1),
                ("mlp.gate_proj", inter, h, False, 1.5), ("mlp.up_proj", inter, h, False, 1.5),
                ("mlp.down_proj", h, inter, False, 1)]:
            w[p + name + ".weight"] = normal(out, inp, std=gain * inp ** -0.5)
            if bias:
                w[p + name + ".bias"] = normal(out, std=0.5)
        for name in ("input_layernorm", "post_attention_layernorm"):
            w[p + name + ".weight"] = 1 + normal(h, std=0.3)
    if not c.tie_word_embeddings:
        w["lm_head.weight"] = normal(c.vocab_size, h, std=3 * h ** -0.5)
    return {k: v.contiguous() for k, v in w.items()}


def quantise(w):
    """Returns the project's int8 pair of a matrix [out, in], and what it stands for."""
    blocks = w.reshape(w.shape[0], -1, GROUP)
    scale = (blocks.abs().amax(-1) / 127).to(torch.float16)
    q = (blocks / scale.float()[..., None]).round().clamp(-127, 127).to(torch.int8)
    deq = (q.float() * scale.float()[..., None]).reshape(w.shape)
    return q.reshape(w.shape), scale, deq


def config_json(dialect, dtype, keys):
    """Returns config.json as transformers 4 or 5 writes it."""
    name = "float16" if dtype == "int8" else dtype
    if dialect == 5:
        k = dict(keys)
        k["rope_parameters"] = {"rope_type": "default", "rope_theta": k.pop("rope_theta")}
        c = Qwen2Config(**k, architectures=["Qwen2ForCausalLM"], dtype=name, eos_token_id=[1, 2], bos_token_id=0)
        return json.loads(c.to_json_string(use_diff=True))
    out = {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 0, "eos_token_id": 1,
           "hidden_act": "silu", "initializer_range": 0.02, "max_window_layers": keys["num_hidden_layers"],
           "model_type": "qwen2", "sliding_window": 4096, "torch_dtype": name, "transformers_version": "4.43.1",
           "use_cache": True, "use_sliding_window": False} | keys
    if dtype == "int8":
        out["quantization_config"] = {"quant_method": "zen", "format": "int8", "bits": 8, "group_size": GROUP}
    return dict(sorted(out.items()))


def save(tensors, path):
    save_file(tensors, path, metadata=META)
    os.chmod(path, 0o644)


def write_checkpoint(d, dialect, dtype, keys, seed):
    """Writes a checkpoint and returns the model read back from it, in float32."""
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d)
    conf = config_json(dialect, dtype, keys)
    with open(os.path.join(d, "config.json"), "w") as f:
        json.dump(conf, f, indent=2)
        f.write("\n")
    c = Qwen2Config.from_dict({k: v for k, v in conf.items() if k != "quantization_config"})
    w = weights(c, seed)
    if dtype == "int8":
        stored, plain = {}, {}
        for k, v in w.items():
            if v.dim() == 2 and "embed" not in k:
                stored[k], stored[k + "_scale"], plain[k] = quantise(v)
            else:
                stored[k] = v.to(torch.float16)
                plain[k] = stored[k].float()
        save(stored, os.path.join(d, "model.safetensors"))
        m = Qwen2ForCausalLM._from_config(c, dtype=torch.float32, attn_implementation="eager")
        m.load_state_dict(plain, strict=True)
        return m.eval()
    w = {k: v.to(getattr(torch, dtype)) for k, v in w.items()}
    if d.endswith("sharded"):
        names = sorted(w)
        files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        place = {n: files[i % 2] for i, n in enumerate(names)}
        for file in files:
            save({n: w[n] for n in names if place[n] == file}, os.path.join(d, file))
        with open(os.path.join(d, "model.safetensors.index.json"), "w") as f:
            json.dump({"metadata": {"total_size": sum(t.nbytes for t in w.values())}, "weight_map": place}, f, indent=1)
            f.write("\n")
    else:
        save(w, os.path.join(d, "model.safetensors"))
    return Qwen2ForCausalLM.from_pretrained(d, dtype=torch.float32, attn_implementation="eager").eval()


@torch.no_grad()
def trace(m, ids, positions=None):
    """Runs the prompt once and returns the activations."""
    out, rotated, handles = {}, [], []
    def keep(name):
        def hook(_, inputs, output):
            out[name] = (output[0] if isinstance(output, tuple) else output)[0].clone()
        return hook
    def keep_input(name):
        return lambda _, inputs: out.__setitem__(name, inputs[0][0].clone())
    def add(h):
        handles.append(h)
    add(m.model.embed_tokens.register_forward_hook(keep("embed_tokens")))
    add(m.model.norm.register_forward_hook(keep("norm")))
    last = len(m.model.layers) - 1
    for i, layer in enumerate(m.model.layers):
        add(layer.register_forward_hook(keep(f"layers.{i}")))
        if i in (0, last):
            p = f"layers.{i}."
            add(layer.input_layernorm.register_forward_hook(keep(p + "input_layernorm")))
            add(layer.self_attn.v_proj.register_forward_hook(keep(p + "v")))
            add(layer.self_attn.o_proj.register_forward_pre_hook(keep_input(p + "attention")))
            add(layer.self_attn.register_forward_hook(keep(p + "self_attn")))
            add(layer.mlp.register_forward_hook(keep(p + "mlp")))
    plain = modeling_qwen2.apply_rotary_pos_emb
    def rotary(q, k, cos, sin, *args, **kw):
        q, k = plain(q, k, cos, sin, *args, **kw)
        rotated.append((q, k, cos, sin))
        return q, k
    modeling_qwen2.apply_rotary_pos_emb = rotary
    try:
        logits = m(ids[None], position_ids=positions, use_cache=False).logits[0]
    finally:
        modeling_qwen2.apply_rotary_pos_emb = plain
        for h in handles:
            h.remove()
    assert len(rotated) == last + 1
    for i in {0, last}:
        q, k = rotated[i][:2]
        out[f"layers.{i}.q"] = q[0].transpose(0, 1).contiguous()  # [tokens, heads, head_dim]
        out[f"layers.{i}.k"] = k[0].transpose(0, 1).contiguous()
        out[f"layers.{i}.v"] = out[f"layers.{i}.v"].reshape(out[f"layers.{i}.k"].shape)
    out["logits"] = logits
    half = rotated[0][2].shape[-1] // 2
    tables = rotated[0][2][0][:, :half].contiguous(), rotated[0][3][0][:, :half].contiguous()
    return {k: v.contiguous().clone() for k, v in out.items()}, tables


@torch.no_grad()
def greedy(m, ids):
    """Continues ids, without a cache, and returns the new ids and the gaps to the second choice."""
    new, gaps = [], []
    for _ in range(NEW):
        row = m(torch.cat([ids, torch.tensor(new, dtype=ids.dtype)])[None], use_cache=False).logits[0, -1]
        top = row.topk(2)
        new.append(top.indices[0].item())
        gaps.append((top.values[0] - top.values[1]).item())
    return new, gaps


def ordinary(d, name, spec):
    for seed in range(1000):
        m = write_checkpoint(d, *spec, seed)
        ids = torch.randint(0, m.config.vocab_size, (TOKENS,), generator=torch.Generator().manual_seed(seed))
        new, gaps = greedy(m, ids)
        if min(gaps) > MIN_GAP and len(set(new)) >= MIN_DISTINCT:
            break
    else:
        raise SystemExit(f"{name}: no seed gives a clear continuation")
    cached = m.generate(ids[None], attention_mask=torch.ones(1, TOKENS, dtype=torch.long), do_sample=False, max_new_tokens=NEW,
                        eos_token_id=None, pad_token_id=0)[0, TOKENS:].tolist()
    assert cached == new, "generate with a cache disagrees"
    out, _ = trace(m, ids)
    out |= {"input_ids": ids.int(), "greedy": torch.tensor(new, dtype=torch.int32), "gaps": torch.tensor(gaps)}
    save(out, os.path.join(d, "golden.safetensors"))
    print(f"{name}: seed {seed}, smallest gap {min(gaps):.4f}, {len(set(new))} distinct, "
          f"logits std {out['logits'].std():.2f}")


def long(d, name, spec):
    """The last row of 30,000 tokens. One layer with a window of 64 sees only the last 64 of them."""
    n, window = 30000, spec[2]["sliding_window"]
    m = write_checkpoint(d, *spec, 0)
    ids = torch.randint(0, m.config.vocab_size, (n,), generator=torch.Generator().manual_seed(0))
    positions = torch.arange(n - window, n)
    out, (cos, sin) = trace(m, ids[-window:], positions[None])
    save({"input_ids": ids.int(), "logits": out["logits"][-1:].clone(),
          "layers.0": out["layers.0"][-1:].clone(), "layers.0.q": out["layers.0.q"][-1:].clone(),
          "layers.0.k": out["layers.0.k"].clone(), "rotary.positions": positions.int(),
          "rotary.cos": cos, "rotary.sin": sin}, os.path.join(d, "golden.safetensors"))
    print(name, "logits std", out["logits"].std().item())


for name, spec in CASES.items():
    if len(sys.argv) == 1 or name in sys.argv[1:]:
        (long if name == "long" else ordinary)(os.path.join(here, "..", name), name, spec)
