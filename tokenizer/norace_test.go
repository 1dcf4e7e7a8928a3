// SPDX-License-Identifier: Apache-2.0

//go:build !race

package tokenizer_test

const raceEnabled = false
