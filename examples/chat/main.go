// SPDX-License-Identifier: Apache-2.0

// Command chat answers the question on its command line, or talks until Ctrl-D.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func main() {
	path := flag.String("model", "", "folder of a checkpoint, instead of zen-nano")
	system := flag.String("system", "", "what the model is told first")
	flag.Parse()
	m, err := load(context.Background(), *path)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	var history []zen.Message
	if *system != "" {
		history = append(history, zen.System(*system))
	}
	start := len(history)
	if flag.NArg() > 0 {
		if _, err := ask(m, os.Stdout, append(history, zen.User(strings.Join(flag.Args(), " ")))); err != nil {
			os.Exit(1)
		}
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	for fmt.Print("> "); lines.Scan(); fmt.Print("> ") {
		turn := append(history, zen.User(lines.Text()))
		if answer, err := ask(m, os.Stdout, turn); err == nil {
			history = append(turn, zen.Assistant(answer)) // a failed turn is forgotten
		} else if errors.Is(err, zen.ErrContextLength) {
			history = history[:start] // and all turns when there is no more room
		}
	}
}

// load loads zen-nano, or the checkpoint in a folder behind a progress bar.
func load(ctx context.Context, path string) (*zen.Model, error) {
	if path == "" {
		return nano.Load(ctx)
	}
	defer fmt.Fprintln(os.Stderr)
	return zen.Load(ctx, path, zen.WithProgress(func(p zen.Progress) {
		fmt.Fprintf(os.Stderr, "\r[%-40s]", strings.Repeat("#", int(40*p.Done/max(p.Total, 1))))
	}))
}

// ask streams the answer to the conversation to out, and what it took.
func ask(g zen.Generator, out io.Writer, messages []zen.Message) (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var r zen.Response
	for chunk, err := range g.Stream(ctx, zen.Request{Messages: messages}) {
		if err != nil {
			fmt.Fprintf(out, "\n[%v]\n", err)
			return r.Text, err
		}
		fmt.Fprint(out, chunk.Text)
		r.Text, r.Usage, r.Timings = r.Text+chunk.Text, chunk.Usage, chunk.Timings
	}
	fmt.Fprintf(out, "\n[%d + %d tokens, %.0f tokens/s]\n", r.Usage.PromptTokens, r.Usage.CompletionTokens, r.TokensPerSecond())
	return r.Text, nil
}
