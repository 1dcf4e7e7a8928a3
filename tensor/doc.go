// SPDX-License-Identifier: Apache-2.0

// Package tensor describes arrays: element types, shapes and the memory they
// lie in. It does no arithmetic; package backend does.
package tensor
