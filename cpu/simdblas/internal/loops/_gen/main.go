// SPDX-License-Identifier: Apache-2.0

// Command gen writes the assembly of package loops. It is run by go generate in
// the folder above.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	tiles()
	packs()
	vectors()
	Generate()
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

// times3 returns 3·stride.
func times3(stride Register) Register {
	r := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, r)
	return r
}

// param returns the operand of a parameter, for values used too rarely to keep in a
// register.
func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// word emits the broadcast of a 32-bit constant.
func word(v uint32, dst VecPhysical) {
	t := GP32()
	MOVL(U32(v), t)
	if dst.Size() == 64 {
		VPBROADCASTD(t, dst)
		return
	}
	VMOVD(t, dst.AsX())
	VPBROADCASTD(dst.AsX(), dst)
}

func zero(v VecPhysical) {
	if v.Size() == 64 {
		VPXORD(v, v, v)
		return
	}
	VPXOR(v, v, v)
}

func z(i int) VecPhysical {
	return []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}[i]
}

func y(i int) VecPhysical { return z(i).AsY().(VecPhysical) }

func x(i int) VecPhysical { return z(i).AsX().(VecPhysical) }
