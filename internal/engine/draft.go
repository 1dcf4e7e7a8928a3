// SPDX-License-Identifier: Apache-2.0

package engine

// drafter guesses what comes next by looking the last tokens up in the text so far
// (prompt lookup decoding, Saxena 2023): answers that quote their prompt, or
// themselves, continue as the quoted place did. A guess costs a row of a step and
// never changes the answer: every token is sampled from its own logits.
type drafter struct {
	length int // of the next draft; grows while drafts come true
	misses int // drafts in a row of which nothing came true
	pause  int // steps to go without a draft
	text   []int32
}

const (
	longestKey  = 4 // tokens to look up
	shortestKey = 2
)

// draft returns at most limit tokens, valid until the next call, or none. What
// follows the looked up place is taken to go on where it ends, with the tokens
// looked up: a text that repeats itself goes round.
func (d *drafter) draft(tokens []int32, limit int) []int32 {
	if d.pause > 0 {
		d.pause--
		return nil
	}
	if d.length == 0 {
		d.length = 4
	}
	at := lookup(tokens)
	if at < 0 {
		return nil
	}
	d.text = d.text[:0]
	for i := range min(d.length, limit) {
		d.text = append(d.text, tokens[at+i%(len(tokens)-at)])
	}
	return d.text
}

// learn adapts the length to what came true of a draft.
func (d *drafter) learn(drafted, accepted int) {
	switch {
	case accepted == drafted:
		d.length, d.misses = min(2*d.length, 64), 0
	case accepted > 0:
		d.length, d.misses = accepted+1, 0
	default:
		d.misses++
		d.length, d.pause = max(1, d.length/2), min(d.misses, 8)
	}
}

// lookup returns where the latest earlier occurrence of the last tokens goes on,
// of the longest key that has one, or -1.
func lookup(tokens []int32) int {
	best, longest := -1, shortestKey-1
	last := len(tokens) - 1
	for at := last - 1; at >= shortestKey-1 && longest < longestKey; at-- {
		if tokens[at] != tokens[last] {
			continue
		}
		n := 1
		for n < longestKey && n <= at && tokens[at-n] == tokens[last-n] {
			n++
		}
		if n > longest {
			best, longest = at+1, n
		}
	}
	return best
}

// draft adds guesses to a decoding task's row, within limit rows and the pages
// that are free.
func (e *Engine) draft(t *Task, limit int) {
	left := min(limit, t.DraftTokens, t.Positions-len(t.Tokens)-1)
	if left < 1 {
		return
	}
	drafts := t.drafter.draft(t.Tokens, left)
	for len(drafts) > 0 && t.missing(len(drafts)) > e.cfg.Cache.FreePages() {
		drafts = drafts[:len(drafts)-1]
	}
	if len(drafts) == 0 || t.seq.Append(len(drafts)) != nil {
		return
	}
	t.drafts = drafts
	t.rows += len(drafts)
}
