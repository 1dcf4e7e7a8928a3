// SPDX-License-Identifier: Apache-2.0

// Package zentest helps programs that use zen to test themselves, in
// milliseconds, in memory, with the same result every time.
//
// Script gives a zen.Generator that answers what the test says: for code that
// cares what the answer is. Model gives a real model, zen-pico, with random
// weights: for code that cares how a model behaves, such as its tokens, limits,
// sessions and errors. Its answers are readable words and mean nothing.
package zentest
