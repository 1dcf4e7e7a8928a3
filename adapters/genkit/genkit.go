// SPDX-License-Identifier: Apache-2.0

// Package zengenkit is a Genkit plugin whose models and embedders are zen models in
// the same process.
package zengenkit

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/core"
	"github.com/firebase/genkit/go/core/api"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/tokenizer"
)

// Plugin is a plugin for genkit.WithPlugins. Models are named "zen/" and their name
// here; one with a method Embed is an embedder of the same name too. The plugin does
// not close them.
type Plugin struct {
	Models map[string]zen.Generator
}

var _ api.Plugin = (*Plugin)(nil)

const provider = "zen"

// Name returns "zen".
func (p *Plugin) Name() string { return provider }

// Init returns the models and embedders.
func (p *Plugin) Init(context.Context) (actions []api.Action) {
	for name, g := range p.Models {
		full := api.NewName(provider, name)
		actions = append(actions, ai.NewModel(full, options(name), answer(g)).(api.Action))
		if e, ok := g.(embedder); ok {
			actions = append(actions, ai.NewEmbedder(full, &ai.EmbedderOptions{Label: "zen " + name}, embed(e)).(api.Action))
		}
	}
	return actions
}

func options(name string) *ai.ModelOptions {
	return &ai.ModelOptions{
		Label:        "zen " + name,
		ConfigSchema: core.InferSchemaMap(Config{}),
		Supports: &ai.ModelSupports{
			Multiturn: true, SystemRole: true, Tools: true,
			Constrained: ai.ConstrainedSupportNone, // Genkit asks for JSON in the prompt instead
		},
	}
}

// answer returns the function of a model. A tool is called where the model writes a
// call in the form its chat template asks for; see tokenizer.CallParser.
func answer(g zen.Generator) ai.ModelFunc {
	return func(ctx context.Context, given *ai.ModelRequest, give ai.ModelStreamCallback) (*ai.ModelResponse, error) {
		req, err := request(given)
		if err != nil {
			return nil, err
		}
		parser := tokenizer.NewCallParser(req.Tools)
		text, calls := "", []*ai.Part(nil)
		resp := &ai.ModelResponse{Request: given}
		for chunk, err := range g.Stream(ctx, req) {
			if err != nil {
				return nil, err
			}
			plain, found := parser.Push(chunk.Text)
			if chunk.FinishReason != "" {
				plain += parser.Flush()
				resp.FinishReason, resp.Usage = ai.FinishReason(chunk.FinishReason), usage(chunk.Usage)
			}
			parts, err := toolRequests(found, len(calls))
			if err != nil {
				return nil, err
			}
			text, calls = text+plain, append(calls, parts...)
			if plain != "" {
				parts = append([]*ai.Part{ai.NewTextPart(plain)}, parts...)
			}
			if give == nil || len(parts) == 0 {
				continue
			}
			if err := give(ctx, &ai.ModelResponseChunk{Role: ai.RoleModel, Content: parts}); err != nil {
				return nil, err
			}
		}
		if text != "" || len(calls) == 0 {
			calls = append([]*ai.Part{ai.NewTextPart(text)}, calls...)
		}
		resp.Message = ai.NewMessage(ai.RoleModel, nil, calls...)
		return resp, nil
	}
}

func usage(u zen.Usage) *ai.GenerationUsage {
	return &ai.GenerationUsage{InputTokens: u.PromptTokens, OutputTokens: u.CompletionTokens, TotalTokens: u.TotalTokens,
		CachedContentTokens: u.CachedTokens}
}

func toolRequests(found []zen.ToolCall, before int) (parts []*ai.Part, err error) {
	for i, f := range found {
		r := &ai.ToolRequest{Name: f.Function.Name, Ref: "call_" + strconv.Itoa(before+i)}
		if err := json.Unmarshal(f.Function.Arguments, &r.Input); err != nil {
			return nil, err
		}
		parts = append(parts, ai.NewToolRequestPart(r))
	}
	return parts, nil
}

type embedder interface {
	Embed(ctx context.Context, texts []string, opts zen.EmbedOptions) (*zen.Embeddings, error)
}

// embed returns the function of an embedder. Options of a request are a
// zen.EmbedOptions or nil.
func embed(m embedder) ai.EmbedderFunc {
	return func(ctx context.Context, req *ai.EmbedRequest) (*ai.EmbedResponse, error) {
		var opts zen.EmbedOptions
		if err := strict(req.Options, &opts); err != nil {
			return nil, unsupported("embed options: %v", err)
		}
		var texts []string
		for i, document := range req.Input {
			text, err := plain(document.Content)
			if err != nil {
				return nil, unsupported("document %d: %v", i, err)
			}
			texts = append(texts, text)
		}
		result, err := m.Embed(ctx, texts, opts)
		if err != nil {
			return nil, err
		}
		resp := &ai.EmbedResponse{}
		for _, vector := range result.Vectors {
			resp.Embeddings = append(resp.Embeddings, &ai.Embedding{Embedding: vector})
		}
		return resp, nil
	}
}
