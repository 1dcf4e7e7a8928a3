module github.com/zenlm/zen/examples/rag

go 1.26.0

require (
	github.com/philippgille/chromem-go v0.7.0
	github.com/stretchr/testify v1.12.1
	github.com/zenlm/zen v0.0.0
)

require (
	github.com/dlclark/regexp2/v2 v2.13.0 // indirect
	github.com/nlpodyssey/safetensors v0.0.0-20250209183917-bfb01cc25f7c // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
	gonum.org/v1/gonum v0.17.0 // indirect
)

replace github.com/zenlm/zen => ../..
