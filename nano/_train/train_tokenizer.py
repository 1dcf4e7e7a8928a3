# SPDX-License-Identifier: Apache-2.0
"""Trains the byte-level BPE tokenizer in Qwen2's form: 4,093 entries and three specials last."""

import argparse
import json
import pathlib

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

import corpus
from common import Context, load_sources

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def texts(sources, samples, seed):
    """Yields chat text by the mix of the corpus, and a share of the books."""
    c = Context(f"tokenizer/{seed}", sources)
    pick = corpus.chooser(corpus.mean_lengths(sources))
    for _ in range(samples):
        _, turns = corpus.conversation(c, pick)
        for t in turns:
            yield t.user
            yield t.answer
    for paragraphs in sources["books"].values():
        for i, p in enumerate(paragraphs):
            if i % 3 == 0 and not corpus.held_paragraph(i):
                yield p
    yield from ["user\n", "assistant\n", "system\n"] * 50


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    sources = corpus.prepare(load_sources(args.sources))
    tok = tokenizers.Tokenizer(models.BPE())
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=4096 - len(SPECIALS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tok.train_from_iterator(texts(sources, args.samples, args.seed), trainer)
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIALS])
    tok.save(str(args.out))
    data = json.loads(args.out.read_text())
    assert tok.get_vocab_size() == 4096, tok.get_vocab_size()
    print("vocabulary", tok.get_vocab_size(), "merges", len(data["model"]["merges"]), [tok.token_to_id(t) for t in SPECIALS])


if __name__ == "__main__":
    main()
