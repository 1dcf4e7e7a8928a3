// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectorSet is an instruction set for which there are loops over float32. None
// contracts a product and a sum, so that all give the bits of the Go loops.
type vectorSet struct {
	name, needs string
	lanes       int
}

var vectorSets = []vectorSet{
	{"AVX512", "AVX-512", 16},
	{"AVX2", "AVX2 with F16C", 8},
}

// step is the elements of an iteration of every loop, and the number of sums that
// a reduction keeps.
const step = 16

// vectors returns the vectors that a step takes.
func (s *vectorSet) vectors() int { return step / s.lanes }

// bytes returns the bytes of a vector.
func (s *vectorSet) bytes() int { return 4 * s.lanes }

func (s *vectorSet) v(i int) VecPhysical {
	if s.lanes == 16 {
		return z(i)
	}
	return y(i)
}

// half returns the register of half as many bytes.
func (s *vectorSet) half(i int) VecPhysical {
	if s.lanes == 16 {
		return y(i)
	}
	return x(i)
}

func (s *vectorSet) and(a, b, dst Op) {
	if s.lanes == 16 {
		VPANDD(a, b, dst)
		return
	}
	VPAND(a, b, dst)
}

func (s *vectorSet) xor(a, b, dst Op) {
	if s.lanes == 16 {
		VPXORD(a, b, dst)
		return
	}
	VPXOR(a, b, dst)
}

// text begins a routine.
func (s *vectorSet) text(name, signature, twin string) {
	TEXT(name+s.name, NOSPLIT, signature)
	Doc(fmt.Sprintf("%s%s is %s's twin for %s. n is a multiple of %d and not 0.", name, s.name, twin, s.needs, step))
	Pragma("noescape")
}

// pointer loads a parameter into a register.
func pointer(name string) Register { return Load(Param(name), GP64()) }

// at returns vector i of the step at p.
func (s *vectorSet) at(p Register, i int) Mem { return Mem{Base: p, Disp: s.bytes() * i} }

// move is a pointer that a loop moves along its elements of size bytes.
type move struct {
	pointer Register
	size    int
}

// loop emits the body for every step of n elements and the end of the routine.
func (s *vectorSet) loop(n Register, body func(), moves ...move) {
	Label("step")
	body()
	for _, m := range moves {
		ADDQ(I32(step*m.size), m.pointer)
	}
	SUBQ(I8(step), n)
	JNZ(LabelRef("step"))
}

func end() {
	VZEROUPPER()
	RET()
}

// constant returns a float32 in every lane: a register from first up where there
// are enough of them, else memory.
type constants struct {
	*vectorSet
	next int // register
}

// constantData are the tables of constants in memory, by their bits.
var constantData = map[uint32]Mem{}

func (c *constants) bits(v uint32) Op {
	if c.lanes == 16 {
		r := z(c.next)
		c.next++
		word(v, r)
		return r
	}
	if m, ok := constantData[v]; ok {
		return m
	}
	m := GLOBL(fmt.Sprintf("lanes%08x", v), RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v))
	}
	constantData[v] = m
	return m
}
