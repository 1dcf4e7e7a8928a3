// SPDX-License-Identifier: Apache-2.0

// Package conformance tests server.Handler with OpenAI's own client for Go. It is a
// module of its own and has nothing but tests.
package conformance
