// SPDX-License-Identifier: Apache-2.0

// Package kvcache keeps the keys and values of running sequences in pages of a
// fixed number of positions. A sequence is a list of pages and a length; forks
// share pages by reference count, and a shared last page is copied before a
// sequence appends to it.
//
// A sequence may publish its full pages under the tokens they hold. Published
// pages form a tree of prefixes, from which a later sequence of the same tokens
// adopts them; those that nobody holds are kept until their memory is needed, the
// least recently used first.
//
// A Cache and its sequences are used by one goroutine, the backend's owner.
package kvcache
