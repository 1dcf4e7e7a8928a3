#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# build.sh compiles the kernels into kernels.fatbin and writes kernels.sum: the
# compiler's version, its flags, and the SHA-256 of the fatbin and of every source.
# NVCC names the compiler; CUDA 13.0 is the pinned version.
set -eu
cd "$(dirname "$0")"
nvcc=${NVCC:-nvcc}
flags="-std=c++17 -O3 --threads 0
-gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_80,code=compute_80
-gencode=arch=compute_90a,code=sm_90a"
flags=$(echo $flags) # one line

# shellcheck disable=SC2086
"$nvcc" $flags --compress-mode=size -fatbin -o kernels.fatbin kernels.cu
{
	echo "# Written by build.sh; make kernels writes it anew."
	echo "nvcc $("$nvcc" --version | sed -n 's/.*release.*V/V/p')"
	echo "flags $flags"
	sha256sum kernels.fatbin ./*.cu ./*.cuh build.sh | sed 's|  \./|  |'
} > kernels.sum
