// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import (
	"golang.org/x/sys/cpu"

	"github.com/zenlm/zen/tensor"
)

// quantVariants returns what the processor has, the fastest first.
func quantVariants() []quantKernels {
	x := &cpu.X86
	avx2 := x.HasAVX2 && x.HasFMA && x.HasF16C
	avx512 := avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL
	vnni := avx512 && x.HasAVX512VNNI
	var ks []quantKernels
	add := func(have bool, k quantKernels) {
		if have {
			ks = append(ks, k)
		}
	}
	add(vnni && x.HasAMXTile && x.HasAMXInt8 && requestAMX(),
		quantKernels{"AMX", quantizeAVX512, panelsQ8VNNI, panelsQ4VNNI, tilesAMX, nil})
	add(vnni, quantKernels{"AVX512VNNI", quantizeAVX512, panelsQ8VNNI, panelsQ4VNNI, nil, rowVNNI})
	add(avx2 && x.HasAVXVNNI, quantKernels{"AVXVNNI", quantizeAVX2, panelsQ8AVXVNNI, panelsQ4AVXVNNI, nil, nil})
	add(avx512, quantKernels{"AVX512", quantizeAVX512, panelsQ8AVX512, panelsQ4AVX512, nil, nil})
	add(avx2, quantKernels{"AVX2", quantizeAVX2, panelsQ8AVX2, panelsQ4AVX2, nil, rowAVX2})
	return append(ks, quantKernels{name: "generic"})
}

// tilesAMX computes whole tiles of rows. The bits are those of the other kernels.
func tilesAMX(p *Product, scratch []byte) (rows int) {
	tiles := p.Rows / TileRows
	if tiles == 0 {
		return 0
	}
	weights, scales := p.panelBytes(), p.panelScales()
	stride, xTile := uintptr(4*p.Stride), uintptr(TileRows*p.Blocks*BlockBytes)
	for i := range p.Panels {
		dst, w, s := &p.Dst[i*width], &p.Weights[i*weights], &p.Scales[i*scales]
		if p.Format == tensor.Q4 {
			wide := &scratch[tileSums]
			unpackQ4AVX512(wide, w, p.Blocks)
			panelQ4AMX(dst, stride, wide, s, &p.X[0], xTile, p.Blocks, tiles, &scratch[0], w)
		} else {
			panelQ8AMX(dst, stride, w, s, &p.X[0], xTile, p.Blocks, tiles, &scratch[0], w)
		}
	}
	return tiles * TileRows
}

// rowAVX2 computes whole quarters of the panels for one row.
func rowAVX2(p *Product) (panels int) { return p.quarters(rowQ8AVX2, rowQ4AVX2) }

// rowVNNI is rowAVX2 for AVX-512 with VNNI.
func rowVNNI(p *Product) (panels int) { return p.quarters(rowQ8VNNI, rowQ4VNNI) }

// A rowKernel is rowQ8AVX2's contract.
type rowKernel func(dst *float32, w *byte, wQuarter uintptr, s *uint16, sQuarter uintptr, x *byte, blocks, panels int)

// quarters multiplies a row with four quarters of the panels side by side and returns how many
// panels those are.
func (p *Product) quarters(q8, q4 rowKernel) (panels int) {
	n := p.Panels / Streams
	if n == 0 {
		return 0
	}
	k := q8
	if p.Format == tensor.Q4 {
		k = q4
	}
	weights, scales := uintptr(n*p.panelBytes()), uintptr(2*n*p.panelScales())
	k(&p.Dst[0], &p.Weights[0], weights, &p.Scales[0], scales, &p.X[0], p.Blocks, n)
	return Streams * n
}

// readVariants returns the reading loops that the processor has, the fastest first. They
// take one byte or more, a multiple of 512.
func readVariants() []readKernel {
	var ks []readKernel
	if cpu.X86.HasAVX512VL {
		ks = append(ks, readKernel{"AVX512", readLinesAVX512})
	}
	if cpu.X86.HasAVX2 {
		ks = append(ks, readKernel{"AVX2", readLinesAVX2})
	}
	return append(ks, readKernel{name: "generic"})
}
