// SPDX-License-Identifier: Apache-2.0

package cuda_test

import (
	"errors"
	"fmt"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cuda"
)

// A program falls back where there is no GPU.
func ExampleOpen() {
	b, err := cuda.Open(backend.Options{})
	switch {
	case err == nil:
		defer b.Close()
	case errors.Is(err, backend.ErrUnavailable):
		err = nil // use another backend
	}
	fmt.Println(err)
	// Output: <nil>
}
