# SPDX-License-Identifier: Apache-2.0
"""Trains the model within a given number of seconds.

Phase 1 reads the whole mix with the loss on every token; phase 2 reads chat
rows only with the loss on the assistant's tokens, while the rate falls to
zero. The number of steps follows from the time the first steps take.
"""

import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from model import Config, Nano, masked_attention

END = 4093


def unpack(rows):
    """Splits packed entries into ids, document numbers and the answer mark."""
    t = rows.to(torch.int32) & 0xFFFF
    return (t & 0x3FFF).long(), ((t >> 14) & 1).cumsum(1), (t >> 15) & 1


def targets(ids, documents, answers, only_answers):
    """The next token of the same document, -100 where there is none or it does not count."""
    next_ids = torch.full_like(ids, -100)
    keep = (documents[:, 1:] == documents[:, :-1]) & (ids[:, :-1] != END)
    if only_answers:
        keep &= (answers[:, 1:] == 1) | (answers.amax(1, keepdim=True) == 0)
    next_ids[:, :-1] = torch.where(keep, ids[:, 1:], -100)
    return next_ids


def flex_attention_of(documents):
    """The same attention through FlexAttention, which skips empty blocks."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    b, t = documents.shape

    def mask(b, h, q, k):
        return (documents[b, q] == documents[b, k]) & (q >= k)
    block = create_block_mask(mask, b, None, t, t, device=documents.device)
    return lambda q, k, v: flex_attention(q, k, v, block_mask=block, enable_gqa=True)


class Rows:
    """Rows of one kind in an endless shuffled order that depends on the seed alone.

    refill, where given, returns the rows of the next epoch, or None to read the same again.
    """

    def __init__(self, rows, seed, refill=None):
        self.rows, self.seed, self.at, self.epoch, self.order, self.refill = rows, seed, 0, -1, None, refill

    def take(self, count):
        out = [self.rows[:0]]
        while count:
            if self.order is None or self.at >= len(self.rows):
                self.epoch += 1
                fresh = self.refill() if self.refill and self.epoch else None
                if fresh is not None:
                    self.rows = fresh
                generator = torch.Generator().manual_seed(self.seed * 1000 + self.epoch)
                self.order = torch.randperm(len(self.rows), generator=generator).to(self.rows.device)
                self.at = 0
            part = self.order[self.at: self.at + count]
            self.at += len(part)
            count -= len(part)
            out.append(self.rows[part])
        return torch.cat(out)


class Blocks:
    """The blocks of the corpus, in order; the last one finished is read again while none is ready."""

    def __init__(self, folder, kind, shards, device):
        self.folder, self.kind, self.shards, self.device, self.next, self.used = folder, kind, shards, device, 0, []

    def __call__(self):
        if not (self.folder / f"done{self.next:02d}").exists():
            self.used.append("again")
            return None
        names = [self.folder / f"{self.kind}{i:03d}.npy" for i in range(self.next * self.shards, (self.next + 1) * self.shards)]
        self.used.append(self.next)
        self.next += 1
        return load_rows(names, self.device)


def load_rows(paths, device):
    return torch.from_numpy(np.concatenate([np.load(p) for p in paths]).view(np.int16)).to(device)


def rate(step, total, phase2, peak, warmup, low):
    """Warm-up, a cosine to low*peak at the end of phase 1, then a line from there to zero."""
    if step < warmup:
        return peak * (step + 1) / warmup
    if step < phase2:
        x = (step - warmup) / max(1, phase2 - warmup)
        return peak * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * x)))
    return peak * low * max(0.0, (total - step) / max(1, total - phase2))


def save(model, path):
    save_file({k: v.detach().to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()}, str(path), {"format": "pt"})


def build(args, device):
    torch.manual_seed(args.seed)
    model = Nano(Config(num_hidden_layers=args.layers)).to(device)
    if args.init:
        model.load_state_dict({k: v.float() for k, v in load_file(args.init).items()}, strict=False)
    decay = [p for p in model.parameters() if p.dim() == 2]
    other = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": other, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95), fused=device == "cuda")
    return model, optimizer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--budget", type=float, required=True, help="seconds from the start of this program")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--batch", type=int, default=256, help="rows of 512 tokens a step")
    parser.add_argument("--shards", type=int, default=112, help="shards of a block of the corpus")
    parser.add_argument("--books", type=float, default=0.055, help="share of book rows in phase 1")
    parser.add_argument("--plain", type=float, default=0.06, help="share of plain rows in phase 1")
    parser.add_argument("--phase2", type=float, default=0.15)
    parser.add_argument("--late-text", action="store_true", help="keep book and plain rows, with the loss on all their tokens, in phase 2")
    parser.add_argument("--init", help="bf16 weights to start from")
    parser.add_argument("--state", type=pathlib.Path, help="file to resume from and to save to")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--attention", default="flex", choices=["flex", "sdpa"])
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--measure", type=int, default=100)
    parser.add_argument("--spare", type=float, default=12, help="seconds kept free at the end")
    args = parser.parse_args()
    began = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_float32_matmul_precision("high")
    model, optimizer = build(args, device)
    print("parameters", sum(p.numel() for p in model.parameters()), torch.__version__, device, flush=True)

    def loss_of(rows, only_answers, attention):
        ids, documents, answers = unpack(rows)
        wanted = targets(ids, documents, answers, only_answers)
        attend = flex_attention_of(documents) if attention == "flex" else masked_attention(documents)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            logits = model(ids, attend)
        return F.cross_entropy(logits.float().view(-1, logits.shape[-1]), wanted.view(-1), ignore_index=-100)

    step_loss = loss_of if args.no_compile else torch.compile(loss_of)
    attention = args.attention if device == "cuda" else "sdpa"
    fake = torch.randint(0, 4000, (args.batch, 512), dtype=torch.int16, device=device)
    fake[:, ::64] |= 1 << 14
    for attention in ([attention, "sdpa"] if attention == "flex" else ["sdpa"]):
        try:
            for only in ((True,) if args.phase2 >= 1 else (False, True)):
                step_loss(fake, only, attention).backward()
            break
        except Exception as error:  # the other path must still train
            print("attention", attention, "failed:", repr(error)[:2000], flush=True)
    optimizer.zero_grad(set_to_none=True)
    print(f"compiled with {attention} at {time.time() - began:.1f} s", flush=True)
    while not (args.data / "done00").exists():
        time.sleep(0.5)
    talk, text = Blocks(args.data, "chat", args.shards, device), Blocks(args.data, "plain", args.shards, device)
    chat = Rows(talk(), args.seed, talk)
    books = Rows(load_rows([args.data / "books.npy"], device), args.seed + 1)
    plain = Rows(text(), args.seed + 2, text)
    print("rows", len(chat.rows), len(books.rows), len(plain.rows), f"at {time.time() - began:.1f} s", flush=True)
    n_books, n_plain = round(args.batch * args.books), round(args.batch * args.plain)
    step, total, phase2 = 0, 10**9, 10**9
    if args.state and args.state.exists():
        saved = torch.load(args.state, map_location=device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, total, phase2 = saved["step"], saved["total"], saved["phase2"]
        for rows, place in zip((chat, books, plain), saved["rows"]):
            rows.at, rows.epoch, rows.order = place
    log, kept, running = [], time.time(), torch.zeros((), device=device)
    first, marked = step, time.time()
    while step < total:
        lr = rate(step, total if total < 10**9 else 10**6, phase2 if phase2 < 10**9 else 10**6, args.lr, args.warmup, 1.0 if args.phase2 >= 1 else 0.2)
        for group in optimizer.param_groups:
            group["lr"] = lr
        late = step >= phase2 or args.phase2 >= 1
        rows = chat.take(args.batch) if late and not args.late_text else torch.cat([chat.take(args.batch - n_books - n_plain), books.take(n_books), plain.take(n_plain)])
        loss = step_loss(rows, late, attention)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running += loss.detach()
        step += 1
        if step == first + 10:
            loss.item()
            marked = time.time()
        if total == 10**9 and step == first + 10 + args.measure:
            loss.item()
            one = (time.time() - marked) / args.measure
            total = step + int((args.budget - (time.time() - began) - args.spare) / one)
            phase2 = int(total * (1 - args.phase2))
            print(f"step {one * 1e3:.2f} ms, {args.batch * 512 / one / 1e6:.3f} M tokens/s, steps {total}, phase 2 from {phase2}", flush=True)
        if total < 10**9 and step < phase2 and step % 1000 == 0:
            loss.item()
            one = (time.time() - marked) / (step - first - 10)
            total = step + int((args.budget - (time.time() - began) - args.spare) / one)
            phase2 = int(total * (1 - args.phase2))
        if step % 50 == 0:
            log.append([step, round(running.item() / 50, 4), round(lr, 7), round(norm.item(), 3), round(time.time() - began, 1)])
            running.zero_()
            if step % 250 == 0:
                print("step", *log[-1], "phase2" if late else "", flush=True)
            if time.time() - began > args.budget:
                print("out of time", flush=True)
                break
        if step % 50 == 0 and time.time() - kept > 120:
            save(model, args.out / "model.safetensors")
            if args.state:
                torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "total": total, "phase2": phase2,
                            "rows": [(r.at, r.epoch, r.order) for r in (chat, books, plain)]}, args.state)
            kept = time.time()
    save(model, args.out / "model.safetensors")
    info = {"blocks": {"chat": talk.used, "plain": text.used}, "steps": step, "tokens": step * args.batch * 512, "phase2": phase2, "seconds": round(time.time() - began, 1), "attention": attention,
            "epochs": {"chat": chat.epoch + chat.at / len(chat.rows), "books": books.epoch + books.at / len(books.rows),
                       "plain": plain.epoch + plain.at / len(plain.rows)},
            "torch": torch.__version__, "arguments": {k: v for k, v in vars(args).items() if isinstance(v, (int, float, bool)) or k == "attention"}, "log": log}
    (args.out / "train_log.json").write_text(json.dumps(info))
    print("done", step, info["epochs"], f"{time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
