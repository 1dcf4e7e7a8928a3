// SPDX-License-Identifier: Apache-2.0

// Package checkpoint reads and writes the tensors of a Hugging Face folder:
// model.safetensors, or shards with model.safetensors.index.json.
//
//	c, err := checkpoint.Open("path/to/folder")
//	t, ok := c.Tensor("model.embed_tokens.weight")
//
// Files of the operating system are mapped, so opening reads only the headers
// and the weights share the page cache. Files from any other fs.FS, such as
// embed.FS or a zip, are read once into memory outside the Go heap.
//
// A checkpoint is untrusted input. A tensor exists only once its name, type,
// shape and byte range have been checked against the file. A file that is mapped
// must not shrink while the checkpoint is open: the operating system answers a
// read beyond its end with a fault that Go cannot recover from.
package checkpoint
