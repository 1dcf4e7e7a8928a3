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

// kernelSet is the kernels by name: zen_embed_f16 is embed[tensor.F16]. Those that
// a compute capability lacks are 0.
type kernelSet struct {
	embed, matMul, rotaryAppend, attention byType
	dequant, repack, swiGLURows            byType

	gemv, gemvSwiGLU, gemvQKV gemvKernels
	gemvSearch                byType // of one row

	qgemm [len(qgemmColumns)]byType // by rows

	attentionDecode, attentionCluster, attentionWide, attentionPrefill map[int]*byType // by headDim

	rmsNorm, swiGLU, add, selectRows, gemm, convert, scaleRows uint64
	groupMax, totals, largest, search, readHost, largest16     uint64
	halve                                                      uint64
}

// suffixes are how kernels' names end.
var suffixes = map[tensor.DType]string{
	tensor.F32: "_f32", tensor.F16: "_f16", tensor.BF16: "_bf16",
	tensor.Q8: "_q8", tensor.Q4: "_q4", tensor.I8: "_i8",
}

// attentionShared is the dynamic shared memory of decode and prefill attention by
// headDim, in bytes.
var attentionShared = map[int]int{64: 32768, 128: 65536}

// gemmShared is the dynamic shared memory of zen_gemm, in bytes.
const gemmShared = 98304

func loadKernels(d *device) (*kernelSet, error) {
	if err := d.loadModule(kernels.Fatbin); err != nil {
		return nil, err
	}
	k := &kernelSet{attentionDecode: map[int]*byType{}, attentionCluster: map[int]*byType{},
		attentionWide: map[int]*byType{}, attentionPrefill: map[int]*byType{}}
	l := loader{device: d}
	floats := []tensor.DType{tensor.F32, tensor.F16, tensor.BF16}
	halves := []tensor.DType{tensor.F16, tensor.BF16}
	blocks := []tensor.DType{tensor.Q8, tensor.Q4}
	streamed := append(blocks, tensor.F16)
	l.each(&k.embed, "zen_embed", "", 0, append(blocks, floats...))
	l.each(&k.matMul, "zen_matmul", "", 0, floats)
	l.each(&k.rotaryAppend, "zen_rotary_append", "", 0, append(floats, tensor.I8))
	l.each(&k.attention, "zen_attention", "", 0, append(floats, tensor.I8))
	for i, name := range [...]string{"zen_gemv", "zen_gemv4", "zen_gemv8"} {
		l.each(&k.gemv[i], name, "", d.info.shared, streamed)
		l.each(&k.gemvSwiGLU[i], name, "_swiglu", d.info.shared, streamed)
		l.each(&k.gemvQKV[i], name, "_qkv", d.info.shared, streamed)
	}
	l.each(&k.gemvSearch, "zen_gemv", "_search", d.info.shared, streamed)
	l.one(&k.gemm, "zen_gemm_f16", gemmShared)
	l.each(&k.swiGLURows, "zen_swiglu_rows", "", 0, []tensor.DType{tensor.F32, tensor.F16})
	for i, columns := range qgemmColumns {
		for _, t := range blocks {
			l.one(&k.qgemm[i][t], "zen_qgemm"+suffixes[t]+"_"+strconv.Itoa(columns), d.qgemmShared())
		}
	}
	l.each(&k.dequant, "zen_dequant", "", 0, blocks)
	l.each(&k.repack, "zen_repack", "", 0, append(blocks, tensor.I8))
	for headDim, shared := range attentionShared {
		dim := "_" + strconv.Itoa(headDim)
		decode, cluster, wide, prefill := new(byType), new(byType), new(byType), new(byType)
		l.each(decode, "zen_attention_decode", dim, d.decodeShared(shared), append(halves, tensor.I8))
		end := dim
		if d.warpgroups(headDim) {
			end += "_warpgroup"
		}
		l.each(prefill, "zen_attention_prefill", end, d.prefillShared(headDim), append(halves, tensor.I8))
		if d.info.hopper() {
			l.each(cluster, "zen_attention_decode", dim+"_cluster", d.decodeShared(shared), append(halves, tensor.I8))
			l.each(wide, "zen_attention_decode", dim+"_wide", d.decodeShared(2*shared), append(halves, tensor.I8))
		}
		k.attentionDecode[headDim], k.attentionPrefill[headDim] = decode, prefill
		k.attentionCluster[headDim], k.attentionWide[headDim] = cluster, wide
	}
	for name, f := range map[string]*uint64{
		"zen_rmsnorm": &k.rmsNorm, "zen_swiglu": &k.swiGLU, "zen_add": &k.add,
		"zen_convert_f16": &k.convert, "zen_largest_16": &k.largest16, "zen_halve": &k.halve,
		"zen_select_rows": &k.selectRows, "zen_group_max": &k.groupMax, "zen_largest": &k.largest,
		"zen_search": &k.search, "zen_totals": &k.totals, "zen_scale_rows": &k.scaleRows, "zen_read_host": &k.readHost,
	} {
		l.one(f, name, 0)
	}
	return k, errors.Join(l.errs...)
}

// decodeShared returns the shared memory that decode attention is given: more than
// the least it needs, so that it has its multiprocessors to itself while the weights
// of the next product are on their way, 6 % of a step of the 3 B shape.
func (d *device) decodeShared(least int) int {
	return max(least, min(160<<10, d.info.shared))
}

// warpgroups reports whether prefill attention goes by the products of a warpgroup.
func (d *device) warpgroups(headDim int) bool { return d.info.hopper() && headDim == 128 }

// prefillShared returns the shared memory of prefill attention: by warpgroups it needs 1 KiB
// to align its part.
func (d *device) prefillShared(headDim int) int {
	if d.warpgroups(headDim) {
		return attentionShared[headDim] + 1024
	}
	return attentionShared[headDim]
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
