# SPDX-License-Identifier: Apache-2.0
"""Writes the training corpus as packed rows of uint16 tokens.

A row holds 512 tokens of whole documents. Bit 15 of an entry marks a token of
an assistant's answer, bit 14 the first token of a document. Shard i depends on
the seed and i alone, so that any number of processes give the same corpus.
"""

import argparse
import functools
import hashlib
import multiprocessing
import os
import pathlib
import time

import numpy as np
import tokenizers

import stories
import tasks_chat  # noqa: F401  (registers its tasks)
import tasks_extract  # noqa: F401
import tasks_facts  # noqa: F401
import tasks_math
import tasks_relations  # noqa: F401
import tasks_words
from common import TASKS, Context, Turn, load_sources, split

ROW, ANSWER, FIRST = 512, 1 << 15, 1 << 14
# Share of the sampled tokens by group; stories get 30 % together with the books.
MIX = {"stories": 0.14, "math": 0.18, "words": 0.08, "wordnet": 0.11, "facts": 0.13, "formats": 0.06, "extract": 0.24, "chat": 0.06}
SYSTEMS = split("""You are a helpful assistant.|You are a helpful assistant.|You are a helpful assistant.|You are a helpful assistant.
You are Zen Nano, a tiny demo model.|You are Zen Nano.|You are a friendly assistant.|You are an assistant. Answer the question.|Answer the user's question.
You are a helpful, honest assistant.|You are a helpful AI assistant.|You answer questions and tell stories.|Be helpful.|You are a useful assistant.
You are a concise assistant.|Answer clearly and briefly.|You are an expert assistant.|Be polite and helpful.|You are a chatbot.|Help the user.
You are a helpful assistant. Answer truthfully.|You are a language model.|Answer as well as you can.|You are a kind teacher.""")
BRIEF_SYSTEMS = split("""Answer in one word.|Reply with only the answer.|Give only the answer.|Answer with a single word or number.|Be extremely brief.
Answer as briefly as possible.|Only give the answer, nothing else.|You are a terse assistant. Answer with as few words as possible.""")
BRIEF = split("""Answer in one word.|Just the answer, please.|Reply with only the answer.|Only the answer.|One word only.|No explanation, only the answer.|Give only the answer.
Answer briefly.|Just give me the answer.|Respond with the answer only.|Keep it short: only the answer.|Short answer please.""")


WRAPPERS = split("""Please {q}|Hey, {q}|Hi, {q}|Hello! {Q}|Hi! {Q}|Okay, {q}|Now {q}|Quick question: {q}|I have a question: {q}|Question: {Q}|{Q} Thanks!|{Q} Thank you.
{Q} Please.|So, {q}|Well, {q}|Can you tell me: {q}|Tell me: {q}|Zen, {q}|Next question: {q}|One more: {q}|And {q}|{Q} I would like to know.|Could you answer this: {q}|My question is: {q}""")


def prepare(sources):
    """Adds the derived tables that the tasks read."""
    s = sources
    nouns = [e["word"] for e in s["wordnet"] if e["kind"] == "noun"]
    concrete = [w for n in ("animals", "fruits", "vegetables", "instruments", "clothing", "containers") for w in s["lists"][n] if w.isalpha() and w.islower()]
    concrete += [w for w in s["lists"]["objects"] if w.isalpha() and w.islower() and not w.endswith("s")]
    s["countable"] = sorted({w for w in concrete if not w.endswith("s") and len(w) > 2})
    s["verbs"] = sorted(s["past"])
    s["vocabulary"] = sorted({w for w in nouns + s["verbs"] + s["countable"] + s["lists"]["common_words"] if w.isalpha() and w.islower() and 3 <= len(w) <= 10})
    s["short_spelling"] = [w for w in s["spelling"] if len(w) <= 7]
    s["short_vocabulary"] = [w for w in s["vocabulary"] if len(w) <= 7]
    s["jobs"] = sorted(w for w in s["lists"]["occupations"] if w.isalpha() and len(w) < 14)
    s["with_examples"] = [e for e in s["wordnet"] if e["examples"]]
    s["with_kinds"] = [e for e in s["wordnet"] if e["kinds"] and e["kind"] == "noun"]
    s["with_parents"] = [e for e in s["wordnet"] if e["parents"] and e["kind"] == "noun"]
    s["with_synonyms"] = [e for e in s["wordnet"] if e["synonyms"]]
    s["antonym_pairs"] = sorted(s["antonyms"].items())
    s["by_country"] = {r["name"]: r for r in s["countries"]}
    taught = {e["word"] for e in s["wordnet"]}
    s["rare"] = [w for w in s["rare"] if w not in taught]
    return s


def careless(c, text):
    """The way people type: small letters, no final mark, now and then a slip."""
    if c.chance(0.1) and len(text) > 8:
        low = text if text[:2] in ("I ", "I'") or text.split()[0].isupper() else text[0].lower() + text[1:]
        text = c.pick(WRAPPERS).replace("{q}", low).replace("{Q}", text)
    r = c.rng.random()
    if r < 0.14:
        text = text.lower().rstrip("?.!")
    elif r < 0.22:
        text = text.lower()
    elif r < 0.32:
        text = text.rstrip("?.!")
    elif r < 0.35 and text[-1:] == "?":
        text = text[:-1] + " ?"
    elif r < 0.37:
        text += c.pick(["?", "!", "  ", " please", " :)"])
    if c.chance(0.025) and len(text) > 12 and not any(ch.isdigit() for ch in text):
        i = c.num(1, len(text) - 3)
        if text[i].isalpha() and text[i + 1].isalpha():
            text = text[:i] + text[i + 1] + text[i] + text[i + 2:]
    return text


def brief_wanted(c, turns):
    return all(t.short for t in turns) and c.chance(0.12)


def conversation(c, pick_task):
    """Returns the system prompt (or none) and the turns of one conversation."""
    turns = TASKS[pick_task(c)].make(c)
    system = None
    r = c.rng.random()
    if brief_wanted(c, turns):
        if c.chance(0.4):
            system = c.pick(BRIEF_SYSTEMS)
            turns = [Turn(t.user, t.short, "", t.noise) for t in turns]
        else:
            turns = [Turn(t.user + ("" if t.user[-1] in ".?!:" else ".") + " " + c.pick(BRIEF), t.short, "", t.noise) for t in turns]
    elif r < 0.42:
        system = c.pick(SYSTEMS)
    if system not in BRIEF_SYSTEMS:
        if c.chance(0.06):
            turns = TASKS["greeting"].make(c) + turns
        while c.chance(0.22) and len(turns) < 6:
            more = TASKS[pick_task(c)].make(c)
            if all(len(t.answer) < 300 for t in more):
                turns = turns + more
        if c.chance(0.05):
            turns = turns + TASKS[c.pick(["thanks", "bye"])].make(c)
    return system, [Turn(careless(c, t.user) if t.noise else t.user, t.answer) for t in turns]


class Writer:
    """Turns documents into token rows."""

    def __init__(self, path):
        self.tok = tokenizers.Tokenizer.from_file(str(path))
        self.end = self.tok.token_to_id("<|endoftext|>")
        self.start = self.tok.token_to_id("<|im_start|>")
        self.stop = self.tok.token_to_id("<|im_end|>")
        self.newline = self.ids(["\n"])[0]
        self.roles = dict(zip(("system", "user", "assistant"), self.ids(["system\n", "user\n", "assistant\n"])))

    def ids(self, texts):
        return [e.ids for e in self.tok.encode_batch(texts, add_special_tokens=False)]

    def chats(self, conversations):
        texts = []
        for system, turns in conversations:
            texts += ([system] if system else []) + [t for turn in turns for t in (turn.user, turn.answer)]
        encoded = iter(self.ids(texts))
        out = []
        for system, turns in conversations:
            row = []
            if system:
                row += [self.start, *self.roles["system"], *next(encoded), self.stop, *self.newline]
            for _ in turns:
                row += [self.start, *self.roles["user"], *next(encoded), self.stop, *self.newline]
                row += [self.start, *self.roles["assistant"]]
                row += [i | ANSWER for i in next(encoded)] + [self.stop | ANSWER, *self.newline]
            row.append(self.end)
            out.append(row)
        return out

    def plain(self, texts):
        return [ids + [self.end] for ids in self.ids(texts)]

    def pack(self, documents, row=ROW):
        """Best-fit packing of whole documents; longer ones are dropped."""
        space = {}
        rows = []
        for doc in documents:
            if len(doc) > row:
                continue
            doc = [doc[0] | FIRST] + doc[1:]
            fit = next((room for room in range(len(doc), min(row, len(doc) + 600) + 1) if space.get(room)), None)
            if fit is None:
                rows.append([])
                index, room = len(rows) - 1, row
            else:
                index, room = space[fit].pop(), fit
            rows[index] += doc
            space.setdefault(room - len(doc), []).append(index)
        for r in rows:
            if len(r) < row:
                r += [self.end | FIRST] + [self.end] * (row - len(r) - 1)
        return np.array(rows, dtype=np.uint16)


def chooser(lengths):
    """Picks tasks so that the groups get their share of tokens, not of samples."""
    totals = {}
    for t in TASKS.values():
        totals.setdefault(t.group, []).append(t)
    names, weights = [], []
    for group, members in totals.items():
        whole = sum(t.weight for t in members)
        mean = sum(t.weight * lengths[t.name] for t in members) / whole
        for t in members:
            names.append(t.name)
            weights.append(MIX[group] / mean * t.weight / whole)
    edges = np.cumsum(weights) / np.sum(weights)
    return lambda c: names[min(int(np.searchsorted(edges, c.rng.random())), len(names) - 1)]


def mean_lengths(sources):
    out = {}
    for name, t in TASKS.items():
        c = Context(f"length/{name}", sources)
        out[name] = sum(len(turn.user) + len(turn.answer) + 40 for _ in range(60) for turn in t.make(c)) / 60
    return out


@functools.lru_cache(maxsize=None)
def tools(sources_path, tokenizer_path):
    sources = prepare(load_sources(sources_path))
    return sources, Writer(tokenizer_path), chooser(mean_lengths(sources))


def shard(job):
    """Writes shard i: chat rows and rows of plain text."""
    index, seed, size, paths = job
    sources, writer, pick_task = tools(paths["sources"], paths["tokenizer"])
    c = Context(f"{seed}/{index}", sources)
    documents, plain, count = [], [], 0
    while count < size:
        batch = writer.chats([conversation(c, pick_task) for _ in range(2000)])
        documents += batch
        count += sum(map(len, batch))
    count = 0
    while count < size * 0.06:
        texts = []
        for _ in range(300):
            r = c.rng.random()
            if r < 0.45:
                texts.append(stories.plain_story(c))
            elif r < 0.8:
                texts.append(tasks_words.plain_definition(c))
            else:
                texts.append("\n".join(tasks_math.plain_sum(c) for _ in range(c.num(3, 12))))
        batch = writer.plain(texts)
        plain += batch
        count += sum(map(len, batch))
    chat, text = writer.pack(documents), writer.pack(plain)
    np.save(paths["out"] / f"chat{index:03d}.npy", chat)
    np.save(paths["out"] / f"plain{index:03d}.npy", text)
    return index, hashlib.sha256(chat.tobytes()).hexdigest(), hashlib.sha256(text.tobytes()).hexdigest(), chat.size, text.size


def held_paragraph(index):
    """One stretch of ten paragraphs in thirty is kept for evaluation."""
    return index // 10 % 30 == 17


def book_rows(sources, writer, held):
    """Rows of consecutive paragraphs, at most 500 tokens a row."""
    documents = []
    for paragraphs in sources["books"].values():
        encoded = writer.ids([p + "\n\n" for p in paragraphs])
        current = []
        for i, ids in enumerate(encoded):
            if held_paragraph(i) != held or len(ids) > ROW - 2 or len(current) + len(ids) > ROW - 2:
                if current:
                    documents.append(current + [writer.end])
                current = []
            if held_paragraph(i) == held and len(ids) <= ROW - 2:
                current = current + ids
        if current:
            documents.append(current + [writer.end])
    return writer.pack(documents)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=pathlib.Path, required=True)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--shards", type=int, default=112, help="shards of a block")
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=1_500_000, help="tokens of a shard")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    began = time.time()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sources, writer, _ = tools(args.sources, args.tokenizer)
    np.save(args.out / "books.npy", book_rows(sources, writer, held=False))
    np.save(args.out / "books_held.npy", book_rows(sources, writer, held=True))
    paths = {"sources": args.sources, "tokenizer": args.tokenizer, "out": args.out}
    jobs = [(i, args.seed, args.tokens, paths) for i in range(args.shards * args.blocks)]
    digest, total = hashlib.sha256(np.load(args.out / "books.npy").tobytes()), 0
    with multiprocessing.Pool(args.processes) as pool:
        for index, chat, text, n, m in pool.imap(shard, jobs):
            digest.update((chat + text).encode())
            total += n + m
            if (index + 1) % args.shards == 0:
                block = index // args.shards
                (args.out / f"done{block:02d}").write_text(digest.hexdigest())
                print(f"block {block} tokens so far {total} sha256 so far {digest.hexdigest()} at {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
