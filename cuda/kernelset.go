// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"errors"
	"strconv"

	"github.com/zenlm/zen/cuda/kernels"
	"github.com/zenlm/zen/tensor"
)

// byType is a kernel for each element type of its weight or cache, 0 where there is
// none.
type byType [32]uint64

// kernelSet is the kernels by name: zen_embed_bf16 is embed[tensor.BF16]. Those that
// a compute capability lacks are 0.
type kernelSet struct {
	embed, matMul, rotaryAppend, attention byType
	gemv, gemvSwiGLU, gemvQKV              byType
	gemm, convert, dequant, repack         byType

	attentionDecode, attentionPrefill map[int]*byType // by headDim

	rmsNorm, swiGLU, add, selectRows, argmax, trap uint64
}

// suffixes are how kernels' names end.
var suffixes = map[tensor.DType]string{
	tensor.F32: "_f32", tensor.F16: "_f16", tensor.BF16: "_bf16",
	tensor.Q8: "_q8", tensor.Q4: "_q4", tensor.I8: "_i8",
}

// gemmShared is the dynamic shared memory of zen_gemm, in bytes.
const gemmShared = 81920

func loadKernels(d *device) (*kernelSet, error) {
	if err := d.loadModule(kernels.Fatbin); err != nil {
		return nil, err
	}
	k := &kernelSet{attentionDecode: map[int]*byType{}, attentionPrefill: map[int]*byType{}}
	l := loader{device: d}
	floats := []tensor.DType{tensor.F32, tensor.F16, tensor.BF16}
	halves := []tensor.DType{tensor.F16, tensor.BF16}
	blocks := []tensor.DType{tensor.Q8, tensor.Q4}
	streamed := append(blocks, halves...)
	l.each(&k.embed, "zen_embed", "", 0, append(blocks, floats...))
	l.each(&k.matMul, "zen_matmul", "", 0, floats)
	l.each(&k.rotaryAppend, "zen_rotary_append", "", 0, floats)
	l.each(&k.attention, "zen_attention", "", 0, floats)
	l.each(&k.gemv, "zen_gemv", "", d.info.shared, streamed)
	l.each(&k.gemvSwiGLU, "zen_gemv", "_swiglu", d.info.shared, streamed)
	l.each(&k.gemvQKV, "zen_gemv", "_qkv", d.info.shared, streamed)
	l.each(&k.gemm, "zen_gemm", "", gemmShared, halves)
	l.each(&k.convert, "zen_convert", "", 0, halves)
	l.each(&k.dequant, "zen_dequant", "", 0, blocks)
	l.each(&k.repack, "zen_repack", "", 0, append(blocks, tensor.I8))
	for _, headDim := range []int{64, 128} {
		k.attentionDecode[headDim], k.attentionPrefill[headDim] = new(byType), new(byType)
		dim := "_" + strconv.Itoa(headDim)
		l.each(k.attentionDecode[headDim], "zen_attention_decode", dim, 0, floats)
		l.each(k.attentionPrefill[headDim], "zen_attention_prefill", dim, kernels.PrefillShared[headDim], halves)
	}
	for name, f := range map[string]*uint64{
		"zen_rmsnorm": &k.rmsNorm, "zen_swiglu": &k.swiGLU, "zen_add": &k.add,
		"zen_select_rows": &k.selectRows, "zen_argmax": &k.argmax, "zen_trap": &k.trap,
	} {
		l.one(f, name, 0)
	}
	return k, errors.Join(l.errs...)
}

// loader finds kernels and keeps what goes wrong.
type loader struct {
	device *device
	errs   []error
}

func (l *loader) one(f *uint64, name string, shared int) {
	var err error
	if *f, err = l.device.function(name, shared); err != nil {
		l.errs = append(l.errs, err)
	}
}

func (l *loader) each(k *byType, name, end string, shared int, types []tensor.DType) {
	for _, t := range types {
		l.one(&k[t], name+suffixes[t]+end, shared)
	}
}
