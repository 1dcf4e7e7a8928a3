# SPDX-License-Identifier: Apache-2.0
"""Writes golden.json: what transformers does with the dequantised int8 weights in float32."""

import argparse
import base64
import json
import pathlib
import sys

import numpy as np
import tokenizers
import torch
import transformers
from transformers import AutoTokenizer

PROMPTS = [
    [("user", "Hello!")],
    [("user", "Who are you?")],
    [("user", "What is the capital of France?")],
    [("system", "You are a helpful assistant."), ("user", "What is the capital of Japan?")],
    [("user", "capital of kenya")],
    [("user", "What is 17 plus 25?")],
    [("user", "what is 84 - 39")],
    [("user", "What is 7 times 8?")],
    [("user", "Tell me a short story about a fox.")],
    [("user", "Write a poem about the moon.")],
    [("user", "What does honest mean?")],
    [("user", "Name four birds as a JSON array.")],
    [("user", "Tom has 12 apples and buys 15 more. How many apples does he have?")],
    [("user", "My name is Ingrid."), ("assistant", "Nice to meet you, Ingrid!"), ("user", "What is my name?")],
    [("user", "What is the capital of Spain?"), ("assistant", "The capital of Spain is Madrid."), ("user", "And of Norway?")],
    [("user", "Explain quantum mechanics.")],
    [("user", "Wie sagt man \"Haus\" auf Spanisch? ¿Qué es «casa»? 家 🏠")],
    [("user", "Use the context to answer.\n\nContext: The museum opens at 9:30 and closes at 17:00. A ticket costs 12 euros. "
              "The guide is Helena Brandt.\n\nQuestion: Who is the guide?")],
    [("user", "Extract name and city as JSON: Paolo lives in Turin and works as a cook.")],
    [("user", "Write a Go function that adds two numbers.")],
]


@torch.no_grad()
def case(model, tok, messages, limit):
    text = tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tok.encode(text, add_special_tokens=False)
    first, gap, out = None, float("inf"), []
    while len(out) < limit:
        logits = model(torch.tensor([ids + out])).logits[0, -1].float()
        if first is None:
            first = logits.numpy().astype("<f4")
        best = torch.topk(logits, 2)
        gap = min(gap, (best.values[0] - best.values[1]).item())
        out.append(best.indices[0].item())
        if out[-1] in (4095, 4093):
            break
    return {"messages": messages, "rendered": text, "ids": ids, "continuation": out, "text": tok.decode(out, skip_special_tokens=True),
            "stopped": out[-1] in (4095, 4093), "smallest_gap": gap, "logits_float32_le_base64": base64.b64encode(first.tobytes()).decode()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", required=True, help="the folder _train, for its loader")
    parser.add_argument("--model", required=True, help="int8 directory")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    sys.path.insert(0, args.train)
    from eval import load_model
    torch.set_num_threads(1)
    tok, model = AutoTokenizer.from_pretrained(args.model), load_model(args.model)
    cases = [case(model, tok, [{"role": r, "content": c} for r, c in m], args.limit) for m in PROMPTS]
    data = {"made_with": {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
                          "numpy": np.__version__},
            "computation": "float32 on the dequantised int8 weights, no cache, attention " + model.config._attn_implementation,
            "vocabulary": 4096, "cases": cases}
    args.out.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    print("cases", len(cases), "bytes", args.out.stat().st_size, "smallest gap", min(c["smallest_gap"] for c in cases))
    for c in cases:
        print(f"{c['smallest_gap']:.3f} {c['text'][:90]!r}")


if __name__ == "__main__":
    main()
