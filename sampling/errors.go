// SPDX-License-Identifier: Apache-2.0

package sampling

import (
	"errors"
	"fmt"
)

// ErrNonFinite is matched by errors about logits no token can be picked from: a NaN, a +Inf, or
// no finite logit at all. The error is a [*NonFiniteError].
var ErrNonFinite = errors.New("sampling: logits are not finite")

// NonFiniteError says which logit was not finite.
type NonFiniteError struct {
	Token int32   // the token of that logit; -1 when every logit is -Inf
	Value float32 // NaN, +Inf, or -Inf when Token is -1
}

// Error returns the token and the value.
func (e *NonFiniteError) Error() string {
	if e.Token < 0 {
		return "sampling: every logit is -Inf, no token is allowed"
	}
	return fmt.Sprintf("sampling: the logit of token %d is %v", e.Token, e.Value)
}

// Unwrap returns ErrNonFinite.
func (e *NonFiniteError) Unwrap() error { return ErrNonFinite }
