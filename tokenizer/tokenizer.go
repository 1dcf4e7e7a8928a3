// SPDX-License-Identifier: Apache-2.0

package tokenizer

// MaxText is the longest text, in bytes, that Encode takes.
const MaxText = 1 << 29

// Tokenizer turns text into token ids and back. Implementations are safe for concurrent use.
type Tokenizer interface {
	// Encode appends the ids of text to dst and returns the extended slice. A special token
	// spelled in text is plain text: Encode never returns a control token because a user wrote
	// its name. Added tokens that are not special (Qwen's <tool_call>) are ordinary vocabulary
	// and are recognised, as they are by the Rust library with encode_special_tokens set.
	Encode(dst []int32, text string) ([]int32, error)

	// EncodeOffsets returns the tokens of Encode, each with the bytes of text it came from.
	EncodeOffsets(text string) ([]Token, error)

	// AddSpecial returns ids surrounded by what the post-processor adds: a BOS for Llama,
	// nothing for Qwen2. The result is ids itself when there is nothing to add, else a copy.
	AddSpecial(ids []int32) []int32

	// Decode returns the text of ids. Special tokens and unknown ids are left out; broken UTF-8
	// becomes U+FFFD, one for each maximal subpart of a broken sequence, as in the Rust library.
	Decode(ids []int32) string

	// NewDecoder starts a streaming Decode.
	NewDecoder() *Decoder

	// Special returns the id of an added token by its exact content, such as "<|im_end|>".
	Special(content string) (int32, bool)

	// IsSpecial reports whether id is an added token marked special, which Decode leaves out.
	IsSpecial(id int32) bool

	// TokenBytes returns the bytes that a token stands for, or nil when id is unknown. They need
	// not be whole UTF-8. The caller must not modify them.
	TokenBytes(id int32) []byte

	// VocabSize returns the largest id plus one.
	VocabSize() int
}

// Token is one token of a text and the place it came from.
type Token struct {
	ID int32
	// Start and End are byte offsets into the text: the token stands for text[Start:End]. They
	// are widened to whole characters when a token holds part of one, so that the tokens of one
	// character overlap. End is past Start except for a token made of nothing, a prepended space
	// of an empty text.
	Start, End int
}
