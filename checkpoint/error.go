// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrCorrupt is matched when a file contradicts its format, its folder or
// itself.
var ErrCorrupt = errors.New("checkpoint: corrupt")

// Error says where in a checkpoint something is wrong.
type Error struct {
	Path   string // the file
	Tensor string // empty when it is not about one tensor
	Err    error
}

// Error returns the position and what is wrong there.
func (e *Error) Error() string {
	if e.Tensor == "" {
		return fmt.Sprintf("checkpoint: %s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("checkpoint: %s: tensor %s: %v", e.Path, quote(e.Tensor), e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// corrupt is a reason that matches ErrCorrupt.
type corrupt string

func (c corrupt) Error() string { return string(c) }

func (c corrupt) Is(target error) bool { return target == ErrCorrupt }

func corruptf(format string, args ...any) error { return corrupt(fmt.Sprintf(format, args...)) }

// maxListed bounds the names in one error.
const maxListed = 20

// listed joins names, quoted, or the first of them and the number of the others.
func listed(names []string) string {
	more := ""
	if n := len(names) - maxListed; n > 0 {
		names, more = names[:maxListed], fmt.Sprintf(" and %d more", n)
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ") + more
}

// quote is %q of text from a file, cut to a length fit for an error.
func quote(s string) string {
	const limit = 100
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "..."
	}
	return strconv.Quote(s)
}
