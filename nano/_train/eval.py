# SPDX-License-Identifier: Apache-2.0
"""Measures a model directory: losses, exact match, stories, overlap, int8 against bf16."""

import argparse
import json
import math
import pathlib
import re
import time

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

import corpus
import export
from common import TASKS, Context, load_sources

STOP = (4095, 4093)


def load_model(folder):
    """Loads a directory with float32 arithmetic, int8 weights dequantised."""
    folder = pathlib.Path(folder)
    config = json.loads((folder / "config.json").read_text())
    config.pop("quantization_config", None)
    model = Qwen2ForCausalLM(Qwen2Config(**{**config, "torch_dtype": "float32"})).float().eval()
    weights = export.dequantise(load_file(folder / "model.safetensors"))
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or [m for m in missing if m != "lm_head.weight"]:
        raise ValueError(f"eval: weights do not fit: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    return model


@torch.no_grad()
def generate(model, tok, prompts, new_tokens, sample=False, seed=0, batch=64, temperature=0.5):
    """Continues every prompt until a stop token: (text, stopped, ids)."""
    torch.manual_seed(seed)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    out = [None] * len(prompts)
    for start in range(0, len(order), batch):
        part = order[start: start + batch]
        rows = [tok.encode(prompts[i], add_special_tokens=False) for i in part]
        width = max(map(len, rows))
        ids = torch.tensor([[STOP[1]] * (width - len(r)) + r for r in rows])
        mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])
        options = {"do_sample": True, "temperature": temperature, "top_p": 0.9, "top_k": 40} if sample else {"do_sample": False}
        result = model.generate(ids, attention_mask=mask, max_new_tokens=min(new_tokens, 512 - width) if width < 510 else 1,
                                eos_token_id=list(STOP), pad_token_id=STOP[1], **options)
        for i, row in zip(part, result[:, width:].tolist()):
            end = next((k for k, t in enumerate(row) if t in STOP), None)
            out[i] = (tok.decode(row[:end] if end is not None else row), end is not None, row[: end + 1] if end is not None else row)
    return out


def render(tok, messages):
    return tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def interval(right, n):
    """Wilson's 95 % interval."""
    z, p = 1.96, right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return round(100 * max(0.0, middle - half), 1), round(100 * min(1.0, middle + half), 1)


def exact(model, tok, sources, count, held, typed=False, only=None, sample=False, temperature=0.5):
    """Exact match of the whole answer, the earlier turns of a conversation given."""
    cases = []
    for name, t in TASKS.items():
        if not t.exact or (only and name not in only):
            continue
        made = 0
        for i in range(count * 4):
            c = Context(f"evaluation/{name}/{i}", sources, held)
            turns = t.make(c)
            if not c.clean or made == count:
                continue
            made += 1
            messages = []
            for turn in turns[:-1]:
                messages += [{"role": "user", "content": turn.user}, {"role": "assistant", "content": turn.answer}]
            user = turns[-1].user
            if typed and turns[-1].noise:
                user = user.lower().rstrip("?.!")
            messages.append({"role": "user", "content": user})
            cases.append((name, messages, turns[-1].answer))
    answers = generate(model, tok, [render(tok, m) for _, m, _ in cases], 110, sample=sample, seed=11, temperature=temperature)
    table, wrong = {}, {}
    for (name, messages, want), (got, stopped, _) in zip(cases, answers):
        row = table.setdefault(name, {"group": TASKS[name].group, "n": 0, "right": 0, "stopped": 0})
        row["n"] += 1
        row["stopped"] += stopped
        if got.strip() == want.strip() and stopped:
            row["right"] += 1
        else:
            wrong.setdefault(name, []).append({"user": messages[-1]["content"], "want": want, "got": got})
    for row in table.values():
        row["percent"] = round(100 * row["right"] / row["n"], 1)
        row["interval95"] = interval(row["right"], row["n"])
    return table, {k: v[:4] for k, v in wrong.items()}


def all_capitals(model, tok, sources):
    from tasks_facts import CAPITAL, the
    cases = []
    for i, row in enumerate(sources["countries"]):
        c = Context(f"capitals/{i}", sources, held=True)
        cases.append((c.ask(CAPITAL, c=the(row["name"])), f"The capital of {the(row['name'])} is {row['capital']}."))
    answers = generate(model, tok, [render(tok, [{"role": "user", "content": q}]) for q, _ in cases], 40)
    wrong = [{"user": q, "want": w, "got": a[0]} for (q, w), a in zip(cases, answers) if a[0].strip() != w]
    right = len(cases) - len(wrong)
    return {"n": len(cases), "right": right, "interval95": interval(right, len(cases)), "wrong": wrong[:12]}


@torch.no_grad()
def loss_of(model, rows, answers_only, batch=8):
    total, count = 0.0, 0
    for start in range(0, len(rows), batch):
        packed = torch.from_numpy(rows[start: start + batch].astype(np.int64))
        ids, first, answer = packed & 0x3FFF, (packed >> 14) & 1, (packed >> 15) & 1
        documents = first.cumsum(1)
        causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
        allowed = (documents[:, :, None] == documents[:, None, :]) & causal
        mask = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[:, None]
        logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
        keep = (documents[:, 1:] == documents[:, :-1]) & (ids[:, :-1] != STOP[1])
        if answers_only:
            keep &= answer[:, 1:] == 1
        losses = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1), reduction="none").view(keep.shape)
        total += losses[keep].sum().item()
        count += keep.sum().item()
    return total, count


def held_rows(sources, tokenizer):
    """Held-out rows by source: unseen book paragraphs, unseen paraphrases and values by group."""
    writer = corpus.Writer(tokenizer)
    books = corpus.book_rows(sources, writer, held=True)
    out = {"books": (books, False)}
    for group in corpus.MIX:
        c = Context(f"heldout/{group}", sources, held=True)
        names = [t for t in TASKS.values() if t.group == group]
        weights = [t.weight for t in names]
        talks = [(None, c.rng.choices(names, weights)[0].make(c)) for _ in range(60 if group == "stories" else 400)]
        out[group] = (writer.pack(writer.chats(talks)), True)
    return out


def losses(model, tok, rows):
    table = {}
    for name, (data, answers_only) in rows.items():
        total, count = loss_of(model, data[:160], answers_only)
        ids = data[:160].reshape(-1)
        marked = ids[(ids >> 15) == 1] & 0x3FFF if answers_only else ids & 0x3FFF
        size = len(tok.decode(marked.tolist(), skip_special_tokens=True).encode())
        table[name] = {"tokens": count, "nats_per_token": round(total / count, 4), "bits_per_byte": round(total / math.log(2) / size, 4),
                       "counted": "answers" if answers_only else "all tokens"}
    return table


def stories(model, tok, sources, count):
    kinds = ["fox", "dragon", "robot", "lighthouse", "old sailor", "teapot", "rabbit and a bear", "girl named Mia", "brave mouse", "cloud"]
    prompts = [f"Tell me a short story about a{'n' if k[0] in 'aeio' else ''} {k}." for k in kinds]
    c = Context("stories", sources, held=True)
    while len(prompts) < count:
        prompts.append(TASKS["story"].make(c)[0].user)
    results = generate(model, tok, [render(tok, [{"role": "user", "content": p}]) for p in prompts], 330, sample=True, seed=7)
    subject = lambda p: re.sub(r"^an? ", "", p.lower().rstrip(".?!").split(" about ")[-1]).split()[0] if " about " in p else ""
    on_topic = [subject(p) in r[0].lower() for p, r in zip(prompts, results)]
    words = [len(r[0].split()) for r in results]
    return {"n": count, "stopped": sum(r[1] for r in results), "names_the_subject": sum(on_topic), "words_mean": round(sum(words) / count, 1),
            "different": len({r[0] for r in results})}, [{"prompt": p, "text": r[0]} for p, r in zip(prompts, results)]


def overlap(texts, sources):
    """Longest run of words a text shares with the books."""
    clean = lambda t: re.findall(r"[a-z']+", t.lower())
    grams = {n: set() for n in (4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 24, 32)}
    for paragraphs in sources["books"].values():
        words = clean(" ".join(paragraphs))
        for n, seen in grams.items():
            seen.update(hash(tuple(words[i:i + n])) for i in range(len(words) - n + 1))
    best = 0
    for text in texts:
        words = clean(text)
        for n, seen in grams.items():
            if n > best and any(hash(tuple(words[i:i + n])) in seen for i in range(len(words) - n + 1)):
                best = n
    return best


SAMPLES = [
    ["Hello!"], ["Who are you?"], ["What is the capital of Portugal?"], ["capital of kenya"], ["What is 17 plus 25?"], ["what is 84 - 39"],
    ["Tell me a short story about a fox."], ["Write a poem about the moon."], ["What does honest mean?"], ["Name four birds."],
    ["Tom has 12 apples and buys 15 more. How many apples does he have?"], ["My name is Ingrid.", "What is my name?"],
    ["What is the capital of Spain?", "And of Norway?", "Thank you!"], ["Explain quantum mechanics."], ["How do you say house in German?"],
    ["Use the context to answer.\n\nContext: The museum opens at 9:30 and closes at 17:00. A ticket costs 12 euros. The guide is Helena Brandt.\n\nQuestion: Who is the guide?"],
    ["Extract name and city as JSON: Paolo lives in Turin and works as a cook."], ["Sort these numbers: 42, 7, 19, 3"],
    ["Is this review positive or negative? The food was cold and the waiter was rude."], ["Write a Go function that adds two numbers."],
]


def samples(model, tok):
    out = []
    for turns in SAMPLES:
        messages = []
        for user in turns:
            messages.append({"role": "user", "content": user})
            text, _, _ = generate(model, tok, [render(tok, messages)], 300)[0]
            messages.append({"role": "assistant", "content": text})
        out.append(messages)
    return out


def agreement(first, second, tok, prompts):
    a = generate(first, tok, prompts, 64)
    b = generate(second, tok, prompts, 64)
    same = sum(x[2] == y[2] for x, y in zip(a, b))
    tokens = sum(sum(i == j for i, j in zip(x[2], y[2])) for x, y in zip(a, b))
    return {"prompts": len(prompts), "identical": same, "tokens_equal_percent": round(100 * tokens / sum(len(x[2]) for x in a), 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="int8 directory")
    parser.add_argument("--bf16", help="bf16 directory to compare with")
    parser.add_argument("--sources", required=True)
    parser.add_argument("--count", type=int, default=100, help="prompts a task")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    began = time.time()
    sources = corpus.prepare(load_sources(args.sources))
    tok = AutoTokenizer.from_pretrained(args.model)
    model = load_model(args.model)
    report = {"torch": torch.__version__, "transformers": transformers.__version__}
    report["capitals"] = all_capitals(model, tok, sources)
    report["exact"], report["wrong"] = exact(model, tok, sources, args.count, held=True)
    for name, row in report["exact"].items():
        print(f"{row['group']:9s} {name:20s} {row['percent']:5.1f} {row['interval95']} stopped {row['stopped']}/{row['n']}", flush=True)
    print("capitals", report["capitals"]["right"], report["capitals"]["n"], f"{time.time() - began:.0f} s", flush=True)
    if not args.quick:
        report["typed"], _ = exact(model, tok, sources, args.count, held=True, typed=True,
                                   only=("capital", "add", "subtract", "meaning", "general", "opposite", "translate"))
        report["stories"], told = stories(model, tok, sources, 50)
        raw = generate(model, tok, ["Once upon a time", "The old man", "One day the king", "\"I am", "In the morning"] * 4, 200, sample=True, seed=3)
        report["overlap_words_stories"] = overlap([t["text"] for t in told], sources)
        report["overlap_words_plain"] = overlap([r[0] for r in raw], sources)
        report["told"], report["samples"] = told[:10], samples(model, tok)
        rows = held_rows(sources, pathlib.Path(args.model) / "tokenizer.json")
        report["loss_int8"] = losses(model, tok, rows)
        if args.bf16:
            full = load_model(args.bf16)
            report["loss_bf16"] = losses(full, tok, rows)
            prompts = [render(tok, [{"role": "user", "content": TASKS[n].make(Context(f"agree/{n}/{i}", sources, True))[0].user}])
                       for n in TASKS for i in range(3)]
            report["agreement"] = agreement(model, full, tok, prompts)
        print({k: report[k] for k in ("typed", "stories", "overlap_words_stories", "overlap_words_plain", "loss_int8", "agreement") if k in report})
    report["seconds"] = round(time.time() - began, 1)
    args.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
