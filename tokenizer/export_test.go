// SPDX-License-Identifier: Apache-2.0

package tokenizer

// NFC is nfc.
func NFC(s string) string { return nfc(s) }
