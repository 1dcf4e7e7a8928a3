// SPDX-License-Identifier: Apache-2.0

// Package backend is the contract between models and the devices that run them.
//
// A Backend is one device: memory, weights and the dozen operations of a
// decoder. A Step is one forward pass over a ragged Batch: it checks every
// operand's shape before the device sees it, and lends scratch memory that lives
// until the next step. Model code is written against Step:
//
//	gate, up := m.GateProj.Forward(s, x), m.UpProj.Forward(s, x)
//	s.SwiGLU(gate, gate, up)
//	return m.DownProj.Forward(s, gate)
//
// Operations return nothing. The first failure of a device sticks, later
// operations do nothing, and Sync returns it. An operand of the wrong shape is a
// defect of the caller and panics with a constant text, on every backend alike.
//
// Package backend/backendtest proves a Backend against a float64 reference.
package backend
