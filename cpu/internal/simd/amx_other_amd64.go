// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !purego

package simd

// requestAMX reports false: only Linux is known to keep the tile registers.
func requestAMX() bool { return false }
