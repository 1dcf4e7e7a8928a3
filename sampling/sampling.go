// SPDX-License-Identifier: Apache-2.0

package sampling

// State is what processors and samplers see of the request. The caller owns it; it is valid during
// the call and must not be changed or kept.
type State struct {
	Tokens       []int32 // [length] the prompt, then the completion so far
	PromptTokens int     // how many of Tokens are the prompt
}

// Completion returns the tokens generated so far, a part of s.Tokens.
func (s *State) Completion() []int32 {
	return s.Tokens[min(max(s.PromptTokens, 0), len(s.Tokens)):]
}

// LogitProcessor edits logits before the next token is picked. One instance serves one request.
type LogitProcessor interface {
	// Process edits the logits in place. -Inf forbids a token. An error ends the request.
	//
	//	logits  [vocab]
	Process(logits []float32, s *State) error
}

// Sampler picks the next token. One instance serves one request.
type Sampler interface {
	// Sample returns a token id in [0, vocab). It may use logits as scratch.
	//
	//	logits  [vocab]
	Sample(logits []float32, s *State) (int32, error)
}
