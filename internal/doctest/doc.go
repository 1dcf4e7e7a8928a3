// SPDX-License-Identifier: Apache-2.0

// Package doctest finds where documentation and code have parted: exported names
// without a comment, Go blocks in Markdown that are not the text of a compiled
// file, commands that name what is not there, files without their licence line.
//
// A Go block in Markdown names its source in the line above it,
//
//	<!-- source: examples/chat/main.go#stream -->
//
// and the source marks the region with the lines "// snippet: stream" and
// "// end: stream", or declares a function of that name, "Type.Method" for a
// method. Block and region may differ in how far they are indented, not else.
//
// Each check takes the repository as a file system and returns a line for each
// finding.
package doctest
