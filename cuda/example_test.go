// SPDX-License-Identifier: Apache-2.0

package cuda_test

import (
	"errors"
	"fmt"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cuda"
)

func ExampleOpen() {
	_, err := cuda.Open(backend.Options{})
	fmt.Println(errors.Is(err, backend.ErrUnavailable))
	// Output: true
}
