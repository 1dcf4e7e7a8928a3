// SPDX-License-Identifier: Apache-2.0

package checkpoint

import "os"

// memory is a range outside the Go heap: a mapped file or allocated pages. It
// starts at a page.
type memory struct {
	bytes   []byte
	release func() error // called once
}

// touchBytes is the span between two progress reports; a multiple of a page.
const touchBytes = 16 << 20

// touch reads one byte of every page so that the file is in memory, and calls
// step after every span with its bytes.
func (m memory) touch(step func(n int) error) error {
	page := os.Getpagesize()
	for begin := 0; begin < len(m.bytes); begin += touchBytes {
		end := min(begin+touchBytes, len(m.bytes))
		willNeed(m.bytes[end:min(end+touchBytes, len(m.bytes))])
		readPages(m.bytes[begin:end], page)
		if err := step(end - begin); err != nil {
			return err
		}
	}
	return nil
}

// readPages returns something of all pages: a call whose result is not computed
// would read nothing.
//
//go:noinline
func readPages(b []byte, page int) (sum byte) {
	for i := 0; i < len(b); i += page {
		sum += b[i]
	}
	return sum
}
