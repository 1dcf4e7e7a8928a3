// SPDX-License-Identifier: Apache-2.0

package zentest

import (
	"strings"
)

// words are the texts whose beginnings are tokens.
const words = "the and that have with this from they would there their what about which when make like time " +
	"just know take people into year your good some could them see other than then now look only come over " +
	"think also back after use two how our work first well way even new want because any these give day most " +
	"small great world house water story child little morning summer window garden friend letter number " +
	"question answer paper music river"

// vocabulary returns the tokens in order of id, in byte-level BPE's alphabet, and
// the merges that make them. A word's tokens are its beginnings: " t", " th",
// " the".
func vocabulary() (tokens []string, merges [][2]string) {
	known := map[string]bool{}
	for _, r := range byteAlphabet() {
		tokens = append(tokens, string(r))
	}
	for word := range strings.SplitSeq(words, " ") {
		token := "Ġ"
		for _, r := range word {
			longer := token + string(r)
			if !known[longer] && len(tokens) < vocab-3 {
				known[longer] = true
				tokens = append(tokens, longer)
				merges = append(merges, [2]string{token, string(r)})
			}
			token = longer
		}
	}
	return append(tokens, "<|endoftext|>", "<|im_start|>", "<|im_end|>"), merges
}

// byteAlphabet returns the character that stands for each byte, as in GPT-2:
// printable bytes for themselves, the others from U+0100 on.
func byteAlphabet() (alphabet [256]rune) {
	next := rune(256)
	for b := range rune(256) {
		if b > ' ' && b <= '~' || b >= '¡' && b <= '¬' || b >= '®' {
			alphabet[b] = b
			continue
		}
		alphabet[b] = next
		next++
	}
	return alphabet
}

// pattern cuts text into words, as Qwen2's tokenizer does.
const pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// tokenizerJSON returns the tokenizer.json of tokens, of which the last three are
// special.
func tokenizerJSON(tokens []string, merges [][2]string) []byte {
	type object = map[string]any
	ids := map[string]int{}
	var added []object
	for id, token := range tokens {
		if id < vocab-3 {
			ids[token] = id
			continue
		}
		added = append(added, object{"id": id, "content": token, "special": true,
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
	}
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	split := object{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": "Isolated", "invert": false}
	return marshal(object{
		"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens":   added,
		"normalizer":     object{"type": "NFC"},
		"pre_tokenizer":  object{"type": "Sequence", "pretokenizers": []object{split, byteLevel}},
		"post_processor": byteLevel,
		"decoder":        byteLevel,
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "",
			"end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab": ids, "merges": merges,
		},
	})
}
