# SPDX-License-Identifier: Apache-2.0
"""Times the Rust library's encode on one thread, beside `go test -bench Encode -corpora DIR`.

    python bench.py make DIR GOROOT FAMILIES    writes DIR/{english,code,chinese,mixed}.txt
    python bench.py run DIR FAMILIES [FAMILY]   prints lines like Go's benchmarks

FAMILIES is the folder of tokenizer.json files that goldens.py leaves (DIR/_families there).
Each figure is the best of several runs over a text; encode_batch_fast is the library's call that
leaves out offsets. english is Newton's Opticks and code net/http, both from the Go distribution;
chinese is made of the Chinese tokens of Qwen's vocabulary; mixed is the golden cases.
"""
import glob
import gzip
import json
import os
import random
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
import tokenizers
from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))


def make(out, goroot, fams):
    os.makedirs(out, exist_ok=True)
    write = lambda n, s: open(f"{out}/{n}.txt", "w", encoding="utf-8").write(s)
    read = lambda p: open(p, encoding="utf-8").read()
    write("english", read(f"{goroot}/src/testdata/Isaac.Newton-Opticks.txt"))
    write("code", "".join(read(p) for p in sorted(glob.glob(f"{goroot}/src/net/http/*.go")))[:1_000_000])
    t = Tokenizer.from_file(f"{fams}/qwen3.json")
    words = [t.decode([i]) for i in range(151643)]
    words = [w for w in words if w and all("\u4e00" <= c < "\ua000" for c in w)]
    rng = random.Random(1)
    write("chinese", "".join(rng.choice(words) + ("\uff0c" if i % 7 == 6 else "\u3002\n" if i % 23 == 22 else "") for i in range(60000)))
    write("mixed", "\n".join(json.loads(gzip.open(f"{HERE}/../cases.json.gz").read())))


def best(call, size):
    rates, start = [], time.perf_counter()
    while len(rates) < 5 or time.perf_counter() - start < 1.5:
        t = time.perf_counter()
        call()
        rates.append(size / (time.perf_counter() - t) / 1e6)
    return max(rates)


def run(corpora, fams, names):
    print("# tokenizers", tokenizers.__version__, "one thread, best of at least 5")
    for name in names:
        t = Tokenizer.from_file(f"{fams}/{name}.json")
        t.encode_special_tokens = True
        for path in sorted(glob.glob(f"{corpora}/*.txt")):
            text = open(path, encoding="utf-8").read()
            size = len(text.encode())
            label = f"family={name}/text={os.path.basename(path)[:-4]}"
            for how, call in [("encode", lambda: t.encode(text, add_special_tokens=False)),
                              ("encode_batch_fast", lambda: t.encode_batch_fast([text], add_special_tokens=False))]:
                print(f"Rust/{how}/{label}\t{best(call, size):.2f} MB/s", flush=True)


if sys.argv[1] == "make":
    make(*sys.argv[2:5])
else:
    run(sys.argv[2], sys.argv[3], sys.argv[4:] or ["qwen3", "llama3.1", "gpt2", "mistral-v0.1", "gemma3"])
