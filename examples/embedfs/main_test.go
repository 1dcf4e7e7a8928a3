// SPDX-License-Identifier: Apache-2.0

package main

func Example() {
	main()
	// Output:
	// embed  The capital of Japan is Tokyo.
	// zip    The capital of Japan is Tokyo.
	// root   The capital of Japan is Tokyo.
}
