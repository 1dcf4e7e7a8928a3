// SPDX-License-Identifier: Apache-2.0

// Package attention is grouped-query attention over a paged key/value cache,
// with rotary position embedding and masks as values.
package attention
