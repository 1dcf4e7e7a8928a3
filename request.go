// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"time"

	"github.com/zenlm/zen/sampling"
	"github.com/zenlm/zen/tokenizer"
)

// Message is one turn of a conversation.
type Message = tokenizer.Message

// Tool describes a function the model may ask to be called.
type Tool = tokenizer.Tool

// ToolCall is the model's request to call a function.
type ToolCall = tokenizer.ToolCall

// Sampler picks the next token from the logits; see package sampling.
type Sampler = sampling.Sampler

// LogitProcessor edits the logits before a token is picked; see package sampling.
type LogitProcessor = sampling.LogitProcessor

// State is what samplers and processors see of a request.
type State = sampling.State

// Logprob is a token and its natural log-probability.
type Logprob = sampling.Logprob

// System returns a message that instructs the model.
func System(content string) Message { return Message{Role: "system", Content: content} }

// User returns a message of the user.
func User(content string) Message { return Message{Role: "user", Content: content} }

// Assistant returns a message of the model, an earlier answer.
func Assistant(content string) Message { return Message{Role: "assistant", Content: content} }

// Request is what to generate from and how. Exactly one of Messages, Prompt and
// Tokens is set. What is left unset comes from the checkpoint's
// generation_config.json; where that is silent too, generation is greedy and
// nothing else applies. The model keeps no reference to a request once the call
// has returned or the stream has ended.
type Request struct {
	// Messages are rendered by the checkpoint's chat template.
	Messages []Message `json:"messages,omitempty"`
	// Tools are offered to the model by the chat template.
	Tools []Tool `json:"tools,omitempty"`
	// Prompt is continued as it is. Control tokens spelled in it are plain text.
	Prompt string `json:"prompt,omitempty"`
	// Tokens are continued as they are, control tokens included.
	Tokens []int32 `json:"tokens,omitempty"`

	// MaxTokens bounds the answer, in tokens. Zero means the checkpoint's
	// max_new_tokens, else what the context has room for.
	MaxTokens int `json:"max_tokens,omitempty"`
	// MinTokens forbids the end of the answer before so many tokens.
	MinTokens int `json:"min_tokens,omitempty"`
	// Stop ends the answer at the first of these strings, which is not part of it.
	Stop []string `json:"stop,omitempty"`
	// StopTokens end the answer like the model's end-of-sequence tokens.
	StopTokens []int32 `json:"stop_token_ids,omitempty"`
	// IgnoreEOS goes on past the model's end-of-sequence tokens.
	IgnoreEOS bool `json:"ignore_eos,omitempty"`

	// Temperature divides the logits; 0, which Greedy returns, always takes the
	// most likely token.
	Temperature *float64 `json:"temperature,omitempty"`
	// TopK keeps the k most likely tokens; 0 keeps all.
	TopK *int `json:"top_k,omitempty"`
	// TopP in (0, 1] keeps the most likely tokens that hold this probability.
	TopP *float64 `json:"top_p,omitempty"`
	// MinP in [0, 1] keeps tokens this share as likely as the most likely.
	MinP *float64 `json:"min_p,omitempty"`
	// TypicalP in (0, 1] keeps the tokens of the most typical surprise.
	TypicalP *float64 `json:"typical_p,omitempty"`
	// RepetitionPenalty above 1 weakens tokens of the prompt and the answer.
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"`
	// PresencePenalty in [-2, 2] is subtracted from every token of the answer.
	PresencePenalty float64 `json:"presence_penalty,omitempty"`
	// FrequencyPenalty in [-2, 2] is subtracted for each use in the answer.
	FrequencyPenalty float64 `json:"frequency_penalty,omitempty"`
	// LogitBias is added to the logits of these tokens.
	LogitBias map[int32]float64 `json:"logit_bias,omitempty"`
	// Seed makes sampling repeatable; nil draws one, which the Response tells.
	Seed *uint64 `json:"seed,omitempty"`

	// Logprobs asks for the log-probability of each token of the answer, before
	// penalties and temperature.
	Logprobs bool `json:"logprobs,omitempty"`
	// TopLogprobs asks for those of the n most likely tokens too, at most 100.
	TopLogprobs int `json:"top_logprobs,omitempty"`

	// DraftTokens guesses up to so many tokens ahead where the text repeats its
	// own: worthwhile for answers that quote their prompt. It does not change the
	// answer. 0 guesses none, nil means WithDrafts.
	DraftTokens *int `json:"draft_tokens,omitempty"`
	// Priority lets a request of a higher number go before others: it waits less,
	// and its memory is not taken for theirs. Among equals, who is due first goes
	// first: at its context's deadline, but a minute after it came at the latest.
	Priority int `json:"priority,omitempty"`

	// Processors edit the logits after the penalties. They serve this request
	// alone.
	Processors []LogitProcessor `json:"-"`
	// Sampler replaces the whole chain of settings from Temperature to Seed,
	// which must then be unset; Processors run before it. It serves this request
	// alone.
	Sampler Sampler `json:"-"`
}

// Greedy returns the Temperature that always takes the most likely token.
func Greedy() *float64 { return new(float64) }

// FinishReason says why an answer ended.
type FinishReason string

// The reasons. An answer that ended with an error has none.
const (
	// FinishStop is the model's own end, a stop token or a stop string.
	FinishStop FinishReason = "stop"
	// FinishLength is MaxTokens or the end of the context.
	FinishLength FinishReason = "length"
)

// Usage counts tokens. Those that end an answer count as completion.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	// CachedTokens are the prompt's that did not have to be computed.
	CachedTokens int `json:"cached_tokens,omitempty"`
}

// TokenLogprob is a token of an answer with its log-probability.
type TokenLogprob struct {
	Logprob
	// Top are the most likely tokens at that place, most likely first.
	Top []Logprob `json:"top_logprobs,omitempty"`
}

// Response is an answer. It marshals to the model card's JSON.
type Response struct {
	Text  string `json:"response"`
	Usage Usage  `json:"usage"`

	FinishReason FinishReason `json:"finish_reason,omitempty"`
	// StopString is the stop string that ended the answer.
	StopString string `json:"stop_string,omitempty"`
	// Tokens are the answer's, with the one that ended it.
	Tokens []int32 `json:"tokens,omitempty"`
	// Logprobs has an entry for each of Tokens, if the request asked for them.
	Logprobs []TokenLogprob `json:"logprobs,omitempty"`
	// Seed repeats the answer, if it was sampled by the standard chain.
	Seed uint64 `json:"seed,omitempty"`

	Timings Timings `json:"-"`
}

// Timings are the times a request took.
type Timings struct {
	Queue   time.Duration // until its first step
	Prefill time.Duration // from then to the first token
	Decode  time.Duration // from then to the end
}

// TokensPerSecond returns the rate of the tokens after the first, 0 where there
// are none.
func (r *Response) TokensPerSecond() float64 {
	if r.Timings.Decode <= 0 || r.Usage.CompletionTokens < 2 {
		return 0
	}
	return float64(r.Usage.CompletionTokens-1) / r.Timings.Decode.Seconds()
}

// Chunk is a piece of a streamed answer.
type Chunk struct {
	// Text is whole UTF-8 and never part of a stop string. It may be empty where
	// tokens gave no text.
	Text string `json:"text"`
	// Tokens are those sampled since the chunk before.
	Tokens []int32 `json:"tokens,omitempty"`
	// Logprobs has an entry for each of Tokens, if the request asked for them.
	Logprobs []TokenLogprob `json:"logprobs,omitempty"`

	// The last chunk has these, and none before it.
	FinishReason FinishReason `json:"finish_reason,omitempty"`
	StopString   string       `json:"stop_string,omitempty"`
	Usage        Usage        `json:"usage,omitzero"`
	Seed         uint64       `json:"seed,omitempty"`
	Timings      Timings      `json:"-"`
}
