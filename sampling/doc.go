// SPDX-License-Identifier: Apache-2.0

// Package sampling turns a row of logits into the next token.
//
// A [Sampler] picks one token; a [LogitProcessor] edits the logits before that. [New] builds the
// standard [Chain] from [Params]; a program may bring its own of either. One instance serves one
// request and is not safe for concurrent use; different instances share nothing.
//
// # Order
//
// The chain applies, in this order and each only when set:
//
//  1. logit_bias, added to the logits
//  2. repetition_penalty over prompt and completion: a positive logit is divided by it, a negative
//     one multiplied (Keskar et al. 2019, CTRL, section 4.1)
//  3. frequency_penalty times the token's count in the completion, then presence_penalty for each
//     token the completion holds, both subtracted
//  4. the caller's own processors, in the order given
//  5. temperature: the logits are divided by it; zero takes the largest logit and ends the chain
//  6. top_k, top_p, min_p, typical_p, each over the tokens its predecessors kept, renormalised
//  7. one draw
//
// Steps 1 to 3 are the order of vLLM's v1 Sampler and apply_penalties; 5 and 6 that of Hugging
// Face transformers 5.17, GenerationMixin._get_logits_processor. The caller's processors come after
// everything that adds to a logit, so a token they set to -Inf stays forbidden.
//
// # Ties
//
// Equal logits are treated alike by top_k, min_p and typical_p, as in transformers: top_k keeps
// every token that equals the k-th. top_p keeps the smallest set that reaches the mass and takes
// the lower ids first among equals. Greedy takes the lowest id.
//
// # Determinism
//
// The same seed, logits and parameters give the same tokens on every platform: exponentials are
// the package's own, sums are float64 in id order, and no product is fused with a sum. A sampled
// token uses exactly one number of a stream that depends on the seed alone; a greedy one uses
// none. Log-probabilities are rounded to float32 from float64 and may differ in the last bit.
//
// # Cost
//
// Nothing is allocated per token and nothing is sorted. Thresholds come from a radix selection
// over the bits of the logits, linear in the vocabulary in the worst case too.
package sampling
