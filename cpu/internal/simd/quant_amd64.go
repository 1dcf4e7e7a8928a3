// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import (
	"golang.org/x/sys/cpu"

	"github.com/zenlm/zen/tensor"
)

var (
	useVNNI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL &&
		cpu.X86.HasAVX512VNNI
	useAMX = useVNNI && cpu.X86.HasAMXTile && cpu.X86.HasAMXInt8 && requestAMX()
)

// tileRows is the rows of a tile of activations.
const tileRows = 16

// panelVector computes Panel if the processor has the instructions: whole tiles of
// rows with AMX where there is AMX, the rest with VNNI. Both give the same bits.
func panelVector(format tensor.DType, dst []float32, ldd int, w []byte, s []uint16, x []byte, blocks, rows int, scratch []byte) bool {
	if !useVNNI {
		return false
	}
	if tiles := rows / tileRows; useAMX && tiles > 0 {
		panelTiles(format, dst, ldd, w, s, x, blocks, tiles, scratch)
		if rows -= tiles * tileRows; rows == 0 {
			return true
		}
		dst, x = dst[tiles*tileRows*ldd:], x[tiles*tileRows*blocks*BlockBytes:]
	}
	stride, xStride := uintptr(4*ldd), uintptr(blocks*BlockBytes)
	if format == tensor.Q4 {
		panelQ4VNNI(&dst[0], stride, &w[0], &s[0], &x[0], xStride, blocks, rows)
	} else {
		panelQ8VNNI(&dst[0], stride, &w[0], &s[0], &x[0], xStride, blocks, rows)
	}
	return true
}

func panelTiles(format tensor.DType, dst []float32, ldd int, w []byte, s []uint16, x []byte, blocks, tiles int, scratch []byte) {
	stride, xStride := uintptr(4*ldd), uintptr(blocks*BlockBytes)
	if format == tensor.Q4 {
		wide := scratch[amxSums:]
		unpackQ4AVX512(&wide[0], &w[0], blocks)
		panelQ4AMX(&dst[0], stride, &wide[0], &s[0], &x[0], xStride, blocks, tiles, &scratch[0])
		return
	}
	panelQ8AMX(&dst[0], stride, &w[0], &s[0], &x[0], xStride, blocks, tiles, &scratch[0])
}
