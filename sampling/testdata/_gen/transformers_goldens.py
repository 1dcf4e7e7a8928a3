# SPDX-License-Identifier: Apache-2.0
"""Writes ../transformers.json: what Hugging Face's logits processors make of a few rows.

Filters run on float64 tensors, so that no boundary depends on float32 rounding; the penalty, bias
and suppression processors run on float32, as models do. Run: python transformers_goldens.py
"""
import itertools
import json
import pathlib

import torch
import transformers
from transformers.generation import logits_process as lp

torch.manual_seed(20240517)


def row(kind: str, n: int) -> torch.Tensor:
    x = torch.randn(n) * 3
    if kind == "peaked":
        x[: n // 50] += 9
    if kind == "rounded":  # a bf16 output layer: many ties
        x = x.to(torch.bfloat16).float()
    if kind == "masked":
        x[torch.rand(n) < 0.5] = float("-inf")
    return x.float()


def numbers(x: torch.Tensor) -> list:
    """JSON has no -Infinity: null."""
    return [None if v == float("-inf") else v for v in x.tolist()]


rows = {
    "normal": row("normal", 500),
    "peaked": row("peaked", 500),
    "rounded": row("rounded", 500),
    "masked": row("masked", 300),
    "one": row("one", 1),
}


def warpers(p: dict) -> lp.LogitsProcessorList:
    """The order of GenerationMixin._get_logits_processor."""
    out = lp.LogitsProcessorList()
    if p["temperature"] != 1.0:
        out.append(lp.TemperatureLogitsWarper(p["temperature"]))
    if "top_k" in p:
        out.append(lp.TopKLogitsWarper(p["top_k"]))
    if "top_p" in p:
        out.append(lp.TopPLogitsWarper(p["top_p"]))
    if "min_p" in p:
        out.append(lp.MinPLogitsWarper(p["min_p"]))
    if "typical_p" in p:
        out.append(lp.TypicalLogitsWarper(p["typical_p"]))
    return out


settings = [{"temperature": t} for t in (0.3, 1.0, 2.0)]
for key, values in {
    "top_k": (1, 2, 40, 499), "top_p": (0.01, 0.5, 0.9, 0.999), "min_p": (0.01, 0.2, 1.0), "typical_p": (0.05, 0.5, 0.95),
}.items():
    settings += [{"temperature": t, key: v} for t, v in itertools.product((0.7, 1.0), values)]
settings += [
    {"temperature": 0.7, "top_k": 20, "top_p": 0.8},
    {"temperature": 0.7, "top_k": 40, "top_p": 0.9, "min_p": 0.05},
    {"temperature": 1.3, "top_k": 60, "top_p": 0.95, "min_p": 0.01, "typical_p": 0.6},
    {"temperature": 1.3, "top_p": 0.8, "typical_p": 0.4},
    {"temperature": 1.0, "min_p": 0.02, "typical_p": 0.9},
]

filters = []
for name, x in rows.items():
    for p in settings:
        scores = warpers(p)(torch.zeros(1, 1, dtype=torch.long), x.double()[None])[0]
        probs = scores.softmax(-1)
        ids = torch.nonzero(scores > float("-inf")).flatten()
        filters.append({"row": name, "params": p, "kept": ids.tolist(), "probs": [round(v, 13) for v in probs[ids].tolist()]})

tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 299, 0]])
processors = []
for name, x in rows.items():
    if len(x) < 300:
        continue
    for penalty in (1.05, 1.3, 0.8):
        y = lp.RepetitionPenaltyLogitsProcessor(penalty)(tokens, x[None].clone())[0]
        processors.append({"row": name, "kind": "repetition_penalty", "value": penalty, "out": numbers(y)})
    bias = {(7,): -100.0, (8,): 5.5, (299,): 0.1}
    y = lp.SequenceBiasLogitsProcessor(bias)(tokens, x[None].clone())[0]
    processors.append({"row": name, "kind": "logit_bias", "bias": {str(k[0]): v for k, v in bias.items()}, "out": numbers(y)})
    y = lp.SuppressTokensLogitsProcessor([2, 4, 200], device="cpu")(tokens, x[None].clone())[0]
    processors.append({"row": name, "kind": "ban", "ids": [2, 4, 200], "out": numbers(y)})
    for n in (8, 9):  # eight of the tokens are the completion
        y = lp.MinNewTokensLengthLogitsProcessor(5, n, [10, 11], device="cpu")(tokens, x[None].clone())[0]
        processors.append({"row": name, "kind": "min_tokens", "value": n, "ids": [10, 11], "out": numbers(y)})

golden = {
    "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
    "rows": {k: numbers(v) for k, v in rows.items()},
    "tokens": tokens[0].tolist(),
    "prompt_tokens": 5,
    "logprobs": {k: numbers(v.double().log_softmax(-1)) for k, v in rows.items()},
    "filters": filters,
    "processors": processors,
}
path = pathlib.Path(__file__).parent.parent / "transformers.json"
path.write_text(json.dumps(golden, separators=(",", ":")).replace('{"row"', '\n{"row"') + "\n")
