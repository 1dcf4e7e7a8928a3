// SPDX-License-Identifier: Apache-2.0

package simd

import "fmt"

// Use makes every operation run its variant of that name, or plain Go where it has
// none, until restore is called. It is for tests and not safe beside operations.
func Use(name string) (restore func()) {
	quant, vector, tile, bf16, dot, pair := quantChosen, vectorChosen, tileChosen, bf16Chosen, dotsChosen, pairsChosen
	quantChosen = named(quantVariants(), name, func(k quantKernels) string { return k.name })
	vectorChosen = named(vectorVariants(), name, func(k vectorKernels) string { return k.name })
	tileChosen = named(tileVariants(), name, func(k tileKernels) string { return k.name })
	bf16Chosen = named(bf16Variants(), name, func(k bf16Kernels) string { return k.name })
	dotsChosen = named(dotVariants(), name, func(k dotKernels) string { return k.name })
	pairsChosen = named(pairVariants(), name, func(k pairKernels) string { return k.name })
	return func() {
		quantChosen, vectorChosen, tileChosen, bf16Chosen, dotsChosen, pairsChosen = quant, vector, tile, bf16, dot, pair
	}
}

// Chosen names the variants that operations run, with activations that are rounded where they can be or
// with none.
func Chosen(rounded bool) string {
	bf16 := dotsChosen.name // they are products like others
	switch {
	case HasBF16():
		bf16 = bf16Chosen.name
	case rounded && pairsChosen.dots != nil:
		bf16 = pairsChosen.name
	}
	return fmt.Sprintf("INT8 and INT4 by %s, BF16 by %s, other products by %s, attention by %s, vectors by %s",
		quantChosen.name, bf16, dotsChosen.name, tileChosen.name, vectorChosen.name)
}

// named returns the variant of that name, else the last, which is plain Go.
func named[K any](variants []K, name string, nameOf func(K) string) K {
	for _, k := range variants {
		if nameOf(k) == name {
			return k
		}
	}
	return variants[len(variants)-1]
}
