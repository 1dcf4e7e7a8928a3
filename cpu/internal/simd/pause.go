// SPDX-License-Identifier: Apache-2.0

package simd

// Pause passes the time of n PAUSE instructions, a few tens of nanoseconds each,
// for a loop that waits for another processor. Elsewhere it returns at once.
func Pause(n int) { pause(n) }
