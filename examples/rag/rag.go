// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"

	"github.com/philippgille/chromem-go"

	"github.com/zenlm/zen"
)

// index keeps the paragraphs of all .txt files with their embeddings.
func index(ctx context.Context, m *zen.Model, texts fs.FS) (*chromem.Collection, error) {
	// snippet: chromem
	store, err := chromem.NewDB().CreateCollection("docs", nil, m.Embedder(zen.EmbedOptions{}))
	// end: chromem
	if err != nil {
		return nil, err
	}
	var chunks []chromem.Document
	err = fs.WalkDir(texts, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".txt") {
			return err
		}
		text, err := fs.ReadFile(texts, name)
		for i, chunk := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			chunks = append(chunks, chromem.Document{ID: fmt.Sprintf("%s, paragraph %d", name, i+1), Content: chunk})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return store, store.AddDocuments(ctx, chunks, runtime.NumCPU())
}

// candidates is how many chunks embeddings find, sources how many of them the model
// reads.
const candidates, sources = 6, 2

// retrieve returns the chunks to answer from. Embeddings find candidates; of those,
// the ones after which the model finds the question likeliest stay.
func retrieve(ctx context.Context, m *zen.Model, store *chromem.Collection, question string) ([]chromem.Result, error) {
	found, err := store.Query(ctx, question, min(candidates, store.Count()), nil, nil)
	if err != nil {
		return nil, err
	}
	for i := range found {
		score, err := m.Score(ctx, prompt(found[i:i+1], ""), " "+question)
		if err != nil {
			return nil, err
		}
		found[i].Similarity = float32(score.LogProb)
	}
	slices.SortStableFunc(found, func(a, b chromem.Result) int { return cmp.Compare(b.Similarity, a.Similarity) })
	return found[:min(sources, len(found))], nil
}

func prompt(chunks []chromem.Result, question string) string {
	text := "Use the context to answer.\n\nContext:"
	for _, c := range chunks {
		text += " " + c.Content
	}
	return text + "\n\nQuestion:" + question
}

// answer streams the answer, and names the chunks it was given.
func answer(ctx context.Context, out io.Writer, m *zen.Model, store *chromem.Collection, question string) error {
	found, err := retrieve(ctx, m, store, question)
	if err != nil {
		return err
	}
	req := zen.Request{Messages: []zen.Message{zen.User(prompt(found, " "+question))}, Temperature: zen.Greedy()}
	for chunk, err := range m.Stream(ctx, req) {
		if err != nil {
			return err
		}
		fmt.Fprint(out, chunk.Text)
	}
	fmt.Fprintln(out)
	for i, c := range found {
		fmt.Fprintf(out, "[%d] %s\n", i+1, c.ID)
	}
	return nil
}
