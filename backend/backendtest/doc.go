// SPDX-License-Identifier: Apache-2.0

// Package backendtest proves a backend.Backend against a float64 reference.
//
//	func TestConformance(t *testing.T) {
//		backendtest.Run(t, func(t *testing.T) backend.Backend {
//			b, err := cpu.New(cpu.Options{})
//			require.NoError(t, err)
//			return b
//		})
//	}
//
// Every tensor that a check makes is a view into a larger one whose other
// elements are NaN: reading outside poisons the result, writing outside is seen.
// Cache positions that nothing was written to are NaN too. Operands that an
// operation must not change are compared with what they were.
//
// A result passes when |got - want| <= tol · size, where size is the same sum
// over absolute values, such as Σ|xᵢyᵢ|, and tol comes from the table in
// tolerance.go. Where the reference is NaN or infinite the result must not be
// finite. On a backend whose Deterministic reports true, results must also be
// equal bit for bit however rows are batched and chunked.
package backendtest
