// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/zenlm/zen"
)

// tasks are requests of kinds that zen-nano was trained for, in words of their own.
var tasks = []struct {
	name    string
	prompts []string
}{
	{"a fact of a passage", []string{
		"Use the context to answer.\n\nContext: The museum opens at 9:30 and closes at 17:00. A ticket costs 12 euros. The guide is Helena Brandt.\n\nQuestion: Who is the guide?",
		"Context: Tomas Karlberg works for Brunwick Systems. You can call Tomas Karlberg at 555-2071.\nQuestion: Which company does Tomas Karlberg work for?",
		"Text: Ines lives in Seville. Ines is a carpenter. Her email is ines.morales@trelna.org.\nQuestion: What is the email of Ines?",
		"Aisha Kradova lives in Port Selm. Leo Marchetti lives in Upper Dratton. Where does Leo Marchetti live?",
		"[1] Greta Holm founded Stavik Motors.\n[2] Omar Fennick runs Quellar Foods.\n[3] The order RK-40718 was sent on March 14.\nQuestion: What does Omar Fennick run?",
	}},
	{"fields as JSON", []string{
		"Extract name and city as JSON: Paolo lives in Turin and works as a cook.",
		"Extract name, city and company as JSON: Marta Lindqvist lives in Bergen. She works for Skollen Group.",
		"Extract name, phone and email as JSON: Priya Nand can be reached at 414-555-0199. Her email is priya.nand@lumora.net.",
		"Make JSON from name: Viktor Stahlberg, city: Krakow, job: baker, company: Trelna Labs.",
		"Make JSON from name = Rosa Quintell, code = KT-58231, date = 14 March 2019, city = Lisbon.",
	}},
	{"the text itself", []string{
		"Repeat after me: The old lighthouse keeper painted the wooden boats in the quiet harbor.",
		"Repeat this sentence: Seven silver trains crossed the long bridge before the storm arrived.",
		"Repeat the word lantern 6 times.",
		"Repeat the word harbor five times.",
		"Write this in upper case: the green garden is quiet in the morning",
	}},
}

// tally is what answers took.
type tally struct {
	tokens, steps, drafted, accepted int
	rates                            []float64 // tokens/s of each run
}

// quotes answers the tasks with and without drafts.
func quotes(ctx context.Context, out io.Writer, drafts, n int) error {
	m, err := load(ctx, "")
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Fprintf(out, "zen-nano, answers that repeat spans of their prompts, up to %d drafts\n", drafts)
	for _, task := range tasks {
		plain, guessed := tally{}, tally{}
		for i := range n + 1 { // the first warms up
			without, err := plain.answer(ctx, m, task.prompts, 0, i > 0)
			if err != nil {
				return err
			}
			with, err := guessed.answer(ctx, m, task.prompts, drafts, i > 0)
			if err != nil {
				return err
			}
			if !slices.Equal(without, with) {
				return fmt.Errorf("%s: %q with drafts, %q without", task.name, with, without)
			}
		}
		fmt.Fprintf(out, "%-20s %3d tokens in %3d steps, with drafts %3d: %.2f tokens a step, %d of %d drafts came true; %5.0f tokens/s, with drafts %5.0f\n",
			task.name, plain.tokens/n, plain.steps/n, guessed.steps/n, float64(guessed.tokens)/float64(guessed.steps),
			guessed.accepted/n, guessed.drafted/n, median(plain.rates), median(guessed.rates))
	}
	return nil
}

// answer answers prompts and adds what that took. Times and steps are those after the
// first token.
func (t *tally) answer(ctx context.Context, m *zen.Model, prompts []string, drafts int, counts bool) (texts []string, err error) {
	tokens := 0
	var took time.Duration
	before := m.Stats()
	for _, p := range prompts {
		r, err := m.Generate(ctx, zen.Request{Messages: []zen.Message{zen.User(p)}, Temperature: zen.Greedy(), MaxTokens: 100, DraftTokens: &drafts})
		if err != nil {
			return nil, err
		}
		texts = append(texts, r.Text)
		tokens += r.Usage.CompletionTokens - 1
		took += r.Timings.Decode
	}
	if after := m.Stats(); counts {
		t.tokens += tokens
		t.steps += int(after.Steps-before.Steps) - len(prompts) // prompts are shorter than a chunk
		t.drafted += int(after.DraftTokens - before.DraftTokens)
		t.accepted += int(after.AcceptedTokens - before.AcceptedTokens)
		t.rates = append(t.rates, float64(tokens)/took.Seconds())
	}
	return texts, nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
