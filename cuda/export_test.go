// SPDX-License-Identifier: Apache-2.0

package cuda

// Reason is reason.
var Reason = reason
