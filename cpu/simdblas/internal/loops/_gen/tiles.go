// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tileSet is an instruction set's tile of a float32 matrix product: rows x parts
// registers of sums, so many that the two multipliers never wait for a sum, with
// registers left for a row of b and a broadcast of a.
type tileSet struct {
	name, needs string
	lanes       int
	rows, parts int
}

var tileSets = []tileSet{
	{"AVX512", "AVX-512", 16, 12, 2},
	{"AVX2", "AVX2 with FMA", 8, 4, 3},
}

func tiles() {
	for _, t := range tileSets {
		t.emit()
	}
}

func (t *tileSet) register(i int) VecPhysical {
	if t.lanes == 16 {
		return z(i)
	}
	return y(i)
}

// The registers: sums [rows, parts], then a row of b [parts], then broadcasts of a.
func (t *tileSet) sum(r, part int) VecPhysical { return t.register(r*t.parts + part) }

func (t *tileSet) b(part int) VecPhysical { return t.register(t.rows*t.parts + part) }

func (t *tileSet) a(r int) VecPhysical {
	first := (t.rows + 1) * t.parts
	spare := 16
	if t.lanes == 16 {
		spare = 32
	}
	return t.register(first + r%(spare-first))
}

// emit emits, for rows of 1 to t.rows,
//
//	for r := range rows {
//		for j := range width {
//			sum := 0
//			for i := range k {
//				sum = fma(a[i][r], b[i][j], sum)
//			}
//			c[r][j] = fma(alpha, sum, c[r][j])
//		}
//	}
//
//	a  [k, t.rows]    b  [k, width]
func (t *tileSet) emit() {
	TEXT("tile"+t.name, NOSPLIT, "func(c *float32, stride uintptr, a, b *float32, k, rows int, alpha float32)")
	Doc(fmt.Sprintf("tile%s is tileGeneric's twin for %s: tiles of %d x %d.", t.name, t.needs, t.rows, t.lanes*t.parts))
	Pragma("noescape")
	c, stride := Load(Param("c"), GP64()), Load(Param("stride"), GP64())
	a, b := Load(Param("a"), GP64()), Load(Param("b"), GP64())
	k, rows := Load(Param("k"), GP64()), Load(Param("rows"), GP64())
	for n := t.rows; n >= 1; n-- {
		other := fmt.Sprintf("below%d", n)
		if n > 1 {
			CMPQ(rows, I8(n))
			JNE(LabelRef(other))
		}
		t.sums(n, a, b, k)
		t.addTo(n, c, stride)
		VZEROUPPER()
		RET()
		if n > 1 {
			Label(other)
		}
	}
}

// sums emits the sums of n rows over all k.
func (t *tileSet) sums(n int, a, b, k Register) {
	for r := range n {
		for p := range t.parts {
			zero(t.sum(r, p))
		}
	}
	label := fmt.Sprintf("rows%d", n)
	Label(label)
	for p := range t.parts {
		VMOVUPS(Mem{Base: b, Disp: 4 * t.lanes * p}, t.b(p))
	}
	for r := range n {
		VBROADCASTSS(Mem{Base: a, Disp: 4 * r}, t.a(r))
		for p := range t.parts {
			VFMADD231PS(t.a(r), t.b(p), t.sum(r, p))
		}
	}
	ADDQ(I8(4*t.rows), a)
	ADDQ(U32(4*t.lanes*t.parts), b)
	DECQ(k)
	JNZ(LabelRef(label))
}

// addTo emits c[r] += alpha·sum[r] for n rows.
func (t *tileSet) addTo(n int, c, stride Register) {
	alpha := t.b(0)
	VBROADCASTSS(param("alpha"), alpha)
	for r := range n {
		for p := range t.parts {
			at := Mem{Base: c, Disp: 4 * t.lanes * p}
			VFMADD213PS(at, alpha, t.sum(r, p))
			VMOVUPS(t.sum(r, p), at)
		}
		if r < n-1 {
			ADDQ(stride, c)
		}
	}
}
