// SPDX-License-Identifier: Apache-2.0

package simd

//go:generate sh -c "cd _gen && go run . -set vector -out ../vector_amd64.s -stubs ../vector_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../vector_amd64.s ../vector_stubs_amd64.go"

// vectorKernels are an instruction set's loops over float32; all are nil in plain
// Go. n is a multiple of vectorStep and not 0: what is left of a slice is computed
// in Go, which gives the same bits.
type vectorKernels struct {
	name string

	add      func(dst, x, y *float32, n int)
	scale    func(dst, x *float32, scale float32, n int)
	scaleMul func(dst, x *float32, scale float32, w *float32, n int)
	swiGLU   func(dst, gate, up *float32, n int)
	squares  func(x *float32, n int) float64
	rotate   func(x, angles *float32, half, heads int) // half: a multiple of rotateStep
	lineMax  func(dst, scores *float32, lines int)
	lineExp  func(sums, bases, scores *float32, lines int)

	widenF16, widenBF16   func(dst *float32, src *uint16, n int)
	narrowF16, narrowBF16 func(dst *uint16, src *float32, n int)
	widenI8               func(dst *float32, src *int8, scale float32, n int)
	widenBlocks           func(dst *float32, src *int8, scales *uint16, blocks int)
}

const (
	vectorStep = 16
	rotateStep = 8
)

// vectorChosen are the best of vectorVariants.
var vectorChosen = vectorVariants()[0]

// whole returns the elements of n that vector loops compute.
func whole(n int) int { return n / vectorStep * vectorStep }

// sameLength panics unless all lengths are n.
func sameLength(op string, n int, lengths ...int) {
	for _, l := range lengths {
		if l != n {
			panic("simd: " + op + ": lengths differ")
		}
	}
}
