// SPDX-License-Identifier: Apache-2.0

// Package model reads what a checkpoint says about a model and builds it: the
// configuration, the registry of architectures, and the binding of named weights
// to layers. An architecture is a package below this one, such as model/qwen2.
package model
