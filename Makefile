# SPDX-License-Identifier: Apache-2.0

# Go alone builds and tests zen: go build ./... and go test ./... . The targets
# here are for those who change it. Tools are built into bin/ at the versions of
# internal/tools/go.mod, a module of its own.

GO        ?= go
BENCH     ?= .
PKG       ?= ./...
COUNT     ?= 10
FUZZTIME  ?= 30s
PLATFORMS ?= linux/amd64 linux/arm64 linux/386 darwin/arm64 windows/amd64

BIN := $(CURDIR)/bin
export GO BENCH PKG COUNT FUZZTIME

.PHONY: test test-arm64 test-modules tidy-modules lint generate bench bench-compare kernels cross fuzz hf-tokenizers cover ci clean

# test runs what every change must pass.
test:
	$(GO) vet ./...
	$(GO) test ./...

# test-arm64 tests the kernels of arm64 on another processor, under qemu-aarch64 of
# the Debian package qemu-user, and what of the backend's conformance takes seconds there.
test-arm64:
	GOARCH=arm64 $(GO) test -short -exec qemu-aarch64 ./cpu/internal/simd ./quant
	GOARCH=arm64 $(GO) test -short -exec qemu-aarch64 -run 'TestConformance/workers=5' -skip '$(SLOW_ARM64)' ./cpu

SLOW_ARM64 = /.*/Attention/.*/pages_of_32|/.*/Deterministic/(schedules|attention)

# lint runs the linters of .golangci.yml. The first run builds them.
lint: $(BIN)/golangci-lint
	$(BIN)/golangci-lint run ./...

# generate writes all generated Go code anew. Goldens are no part of it: their
# scripts need Python, see CONTRIBUTING.md.
generate:
	$(GO) generate ./...

# bench runs benchmarks in the form that benchstat reads:
#   make bench PKG=./cpu BENCH=MatMul
bench:
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG)

# bench-compare measures the working tree against another commit, in turns:
#   make bench-compare REF=main PKG=./cpu BENCH=MatMul
bench-compare: $(BIN)/benchstat
	internal/tools/bench-compare.sh '$(REF)'

# kernels compiles the CUDA kernels and writes their manifest; NVCC names the
# compiler, of CUDA 13.0.
kernels:
	cuda/kernels/build.sh

# cross builds every package for every platform without cgo, then once more
# without assembly.
cross:
	@set -e; for platform in $(PLATFORMS); do \
		echo "build $$platform"; \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} $(GO) build ./...; \
	done
	CGO_ENABLED=0 $(GO) build -tags purego ./...

# The modules in folders of this one, those of tools and generators left out.
MODULES = $(shell find . -mindepth 2 -name go.mod -not -path '*/_*' -not -path './internal/*' -exec dirname {} +)

# test-modules tests the modules with dependencies of their own. go test has go vet's
# weightiest checks; all of them would read each dependency once more.
test-modules:
	@set -e; for module in $(MODULES); do \
		echo "module $$module"; \
		$(GO) -C $$module test ./...; \
	done

# tidy-modules follows a change of go.mod in those modules.
tidy-modules:
	@set -e; for module in $(MODULES); do $(GO) -C $$module mod tidy; done

# fuzz runs every fuzz target for FUZZTIME.
fuzz:
	internal/tools/fuzz.sh $(PKG)

# hf-tokenizers builds or finds libtokenizers.a and tests tokenizer/hf with it.
hf-tokenizers:
	tokenizer/hf/build.sh

# cover writes a coverage profile and prints the total.
cover:
	$(GO) test -coverpkg ./... -coverprofile cover.out ./...
	$(GO) tool cover -func cover.out | tail -n 1

# ci runs what the gate runs.
ci:
	.ci/run

clean:
	rm -rf $(BIN) cover.out

$(BIN)/golangci-lint $(BIN)/benchstat: internal/tools/go.mod internal/tools/go.sum
	GOBIN=$(BIN) $(GO) -C internal/tools install tool
	@touch $(BIN)/golangci-lint $(BIN)/benchstat
