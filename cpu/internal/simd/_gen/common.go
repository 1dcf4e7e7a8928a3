// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// element is a type of weights and the instructions that widen sixteen (AVX-512)
// or eight (AVX2) of them to float32.
type element struct {
	name   string // in routine names
	goType string
	size   int // bytes

	widen512   func(src Mem, dst VecPhysical)
	widenTail  func(src Mem, dst VecPhysical) // those whose bit in K1 is set, the rest 0
	widen256   func(src Mem, dst VecPhysical)
	widenFirst func(src Mem, dst VecPhysical) // one, into the lowest lane of an X register
}

var elements = []element{
	{
		name: "F32", goType: "float32", size: 4,
		widen512:   func(src Mem, dst VecPhysical) { VMOVUPS(src, dst) },
		widenTail:  func(src Mem, dst VecPhysical) { VMOVUPS_Z(src, K1, dst) },
		widen256:   func(src Mem, dst VecPhysical) { VMOVUPS(src, dst) },
		widenFirst: func(src Mem, dst VecPhysical) { VMOVSS(src, dst) },
	},
	{
		name: "BF16", goType: "uint16", size: 2,
		widen512:   func(src Mem, dst VecPhysical) { VPMOVZXWD(src, dst); VPSLLD(Imm(16), dst, dst) },
		widenTail:  func(src Mem, dst VecPhysical) { VPMOVZXWD_Z(src, K1, dst); VPSLLD(Imm(16), dst, dst) },
		widen256:   func(src Mem, dst VecPhysical) { VPMOVZXWD(src, dst); VPSLLD(Imm(16), dst, dst) },
		widenFirst: func(src Mem, dst VecPhysical) { VPXOR(dst, dst, dst); VPINSRW(Imm(1), src, dst, dst) },
	},
	{
		name: "F16", goType: "uint16", size: 2,
		widen512:  func(src Mem, dst VecPhysical) { VCVTPH2PS(src, dst) },
		widenTail: func(src Mem, dst VecPhysical) { VCVTPH2PS_Z(src, K1, dst) },
		widen256:  func(src Mem, dst VecPhysical) { VCVTPH2PS(src, dst) },
		widenFirst: func(src Mem, dst VecPhysical) {
			VPXOR(dst, dst, dst)
			VPINSRW(Imm(0), src, dst, dst)
			VCVTPH2PS(dst, dst)
		},
	},
}

// rows addresses up to eight rows a constant number of bytes apart.
type rows struct {
	base, base4     Register // rows 0 and 4
	stride, stride3 Register
}

// at returns the operand disp bytes into row r.
func (a rows) at(r, disp int) Mem {
	base := a.base
	if r >= 4 {
		base = a.base4
	}
	switch r % 4 {
	case 1:
		return Mem{Base: base, Index: a.stride, Scale: 1, Disp: disp}
	case 2:
		return Mem{Base: base, Index: a.stride, Scale: 2, Disp: disp}
	case 3:
		return Mem{Base: base, Index: a.stride3, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Disp: disp}
}

// rowsFrom returns n rows that start at base, in new registers.
func rowsFrom(base, stride, stride3 Register, n int) rows {
	a := rows{base: GP64(), stride: stride, stride3: stride3}
	MOVQ(base, a.base)
	if n > 4 {
		b := GP64()
		LEAQ(Mem{Base: base, Index: stride, Scale: 4}, b)
		a.base4 = b
	}
	return a
}

// step moves to the element that is bytes further in each row.
func (a rows) step(bytes int) {
	ADDQ(I32(bytes), a.base)
	if a.base4 != nil {
		ADDQ(I32(bytes), a.base4)
	}
}

// times3 returns 3·stride.
func times3(stride Register) Register {
	r := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, r)
	return r
}

// advance emits p += n·stride.
func advance(p, stride Register, n int) {
	for ; n >= 8; n -= 8 {
		LEAQ(Mem{Base: p, Index: stride, Scale: 8}, p)
	}
	for range n {
		ADDQ(stride, p)
	}
}

// param returns the operand of a parameter, for values used too rarely to keep
// in a register.
func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// tailMask emits k = (1 << n%16) - 1, of which it leaves the bits in n.
func tailMask(n Register, k Register) {
	one := GP64()
	MOVQ(n, RCX)
	ANDQ(I8(15), RCX)
	MOVL(U32(1), one.As32())
	SHLL(CL, one.As32())
	DECL(one.As32())
	KMOVW(one.As32(), k)
}

func z(i int) VecPhysical {
	return []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}[i]
}

func y(i int) VecPhysical { return z(i).AsY().(VecPhysical) }

func x(i int) VecPhysical { return z(i).AsX().(VecPhysical) }

// zs returns n registers from z(first) on.
func zs(first, n int) []VecPhysical {
	var v []VecPhysical
	for i := range n {
		v = append(v, z(first+i))
	}
	return v
}
