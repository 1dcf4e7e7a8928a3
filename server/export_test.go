// SPDX-License-Identifier: Apache-2.0

package server

// ServeUntil is ListenAndServe with a listener and a grace of the test's.
var ServeUntil = (*Server).serveUntil
