// SPDX-License-Identifier: Apache-2.0

package deptest

// Third-party modules, named once.
const (
	gonum       = "gonum.org/v1/gonum"
	goleak      = "go.uber.org/goleak"
	hfTokenizer = "github.com/daulet/tokenizers"
	regexp2     = "github.com/dlclark/regexp2/v2"
	safetensors = "github.com/nlpodyssey/safetensors"
	testify     = "github.com/stretchr/testify"
	xsys        = "golang.org/x/sys"
	xtime       = "golang.org/x/time"
)

// Rooms returns the table of this module, from the ground up: a package imports
// packages of rows above its own.
func Rooms() Table {
	return Table{
		{Path: "tensor"},
		{Path: "quant", Imports: []string{"tensor"}, Modules: []string{xsys}},
		{Path: "backend", Imports: []string{"tensor"}},
		{
			Path:    "backend/backendtest",
			Imports: []string{"backend", "quant", "tensor"},
			Modules: []string{gonum},
			System:  []string{"testing"},
			Tests:   []string{"cpu"},
		},
		{
			Path:    "cpu/internal/simd",
			Imports: []string{"tensor"},
			Modules: []string{xsys},
		},
		{
			Path:    "cpu/simdblas/internal/loops",
			Imports: []string{"cpu/internal/simd"},
			Modules: []string{xsys},
		},
		{
			Path:    "cpu/simdblas",
			Imports: []string{"cpu/simdblas/internal/loops"},
			Modules: []string{gonum},
		},
		{
			Path:    "cpu",
			Imports: []string{"backend", "cpu/internal/simd", "quant", "tensor"},
			Modules: []string{gonum, xsys},
			Tests:   []string{"backend/backendtest"},
		},
		{Path: "cuda/kernels"},
		{
			Path:    "cuda",
			Imports: []string{"backend", "cuda/kernels", "tensor"},
			Tests:   []string{"", "backend/backendtest", "checkpoint", "cpu", "kvcache", "model", "model/qwen2", "nano"},
			System:  []string{"C"},
		},
		{
			Path:    "layers",
			Imports: []string{"backend", "tensor"},
			Tests:   []string{"cpu"},
		},
		{
			Path:    "kvcache",
			Imports: []string{"backend", "tensor"},
			Tests:   []string{"cpu"},
		},
		{
			Path:    "attention",
			Imports: []string{"backend", "kvcache", "layers", "tensor"},
			Tests:   []string{"cpu"},
		},
		{
			Path:    "checkpoint",
			Imports: []string{"tensor"},
			Modules: []string{safetensors, xsys},
		},
		{
			Path:    "model",
			Imports: []string{"attention", "backend", "checkpoint", "kvcache", "layers", "quant", "tensor"},
			Tests:   []string{"cpu"},
		},
		{
			Path:    "model/qwen2",
			Imports: []string{"attention", "backend", "kvcache", "layers", "model", "tensor"},
			Tests:   []string{"checkpoint", "cpu"},
		},
		{Path: "tokenizer", Modules: []string{regexp2}},
		{
			Path:    "tokenizer/hf",
			Imports: []string{"tokenizer"},
			Modules: []string{hfTokenizer},
			System:  []string{"C"},
		},
		{Path: "sampling"},
		{
			Path:    "internal/engine",
			Imports: []string{"backend", "kvcache", "model", "sampling", "tensor", "tokenizer"},
			Tests:   []string{"cpu", "model/qwen2"},
		},
		{
			Path: "",
			Imports: []string{
				"attention", "backend", "checkpoint", "cpu", "internal/engine", "kvcache", "layers",
				"model", "model/qwen2", "sampling", "tensor", "tokenizer",
			},
			System: []string{"log/slog"},
			Tests:  []string{"nano", "zentest"},
		},
		{Path: "nano", Imports: []string{""}, Tests: []string{"checkpoint", "model", "tokenizer"}},
		{
			Path:    "zentest",
			Imports: []string{""},
			System:  []string{"testing"},
		},
		{
			Path:    "server",
			Imports: []string{"", "tokenizer"},
			Modules: []string{xtime},
			System:  []string{"net", "net/http"},
			Tests:   []string{"nano", "zentest"},
		},
		{
			Path:    "examples/*",
			Imports: []string{"", "nano", "sampling", "server", "tokenizer", "zentest"},
			System:  []string{"flag", "log", "net", "net/http", "os/signal"},
		},
		{
			Path:    "benchmarks/cmd/*",
			Imports: []string{"", "checkpoint", "cpu", "cuda", "nano", "quant", "sampling", "tensor", "tokenizer"},
			System:  []string{"flag", "log", "os/signal"},
		},
		{
			Path:    "benchmarks/peers/tokenizer",
			Imports: []string{"tokenizer", "tokenizer/hf"},
			System:  []string{"log"},
		},
		{Path: "internal/tree"},
		{Path: "internal/deptest", Imports: []string{"internal/tree"}},
		{Path: "internal/doctest", Imports: []string{"internal/tree"}},
	}
}
