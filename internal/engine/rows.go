// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/zenlm/zen/tensor"

// span is the rows of one task among those whose logits are computed at once.
type span struct {
	task     *Task
	first, n int // n is 0 once they are dealt with
}

// rows computes the logits of output rows and hands them to their tasks: the largest
// ones where the backend finds those and they do, else whole rows.
//
//	hidden  [len(owners), hidden]
func (e *Engine) rows(hidden *tensor.Tensor, owners []*Task) error {
	mark := e.step.Mark()
	defer e.step.Release(mark)
	logits := e.cfg.Model.Logits(e.step, hidden)
	if logits.Storage == nil { // there was no scratch memory for them
		return e.step.Sync()
	}
	e.spans = e.spans[:0]
	for first, n := 0, 0; first < len(owners); first += n {
		t := owners[first]
		for n = 1; first+n < len(owners) && owners[first+n] == t; n++ {
		}
		if !t.ended { // by rows of the group before
			e.spans = append(e.spans, span{t, first, n})
		}
	}
	if err := e.sift(logits); err != nil {
		return err
	}
	for first := 0; first < len(owners); first += LogitRows {
		if err := e.whole(logits, first, min(first+LogitRows, len(owners))); err != nil {
			return err
		}
	}
	return nil
}

// sift hands candidates to the tasks that take them.
//
//	logits  [n, vocab]
func (e *Engine) sift(logits *tensor.Tensor) error {
	takers, enough, more := 0, 0, false
	for i := range e.spans {
		if t := e.spans[i].task; t.Candidates != nil {
			takers++
			enough, more = max(enough, t.MinCandidates), more || t.MinCandidates == 0
		}
	}
	if takers == 0 || e.sifter == nil {
		return nil
	}
	if more {
		enough = 0
	}
	rows := e.sifted[:logits.Dim(0)]
	e.sifting = logits
	clear(rows)
	for _, s := range e.spans {
		for i := range rows[s.first:][:s.n] {
			rows[s.first+i].Temperature = s.task.Temperature
			rows[s.first+i].Part = e.fetch[s.first+i]
		}
	}
	e.sifter.Largest(rows, logits, enough)
	if err := e.step.Sync(); err != nil {
		return err
	}
	for i := range e.spans {
		if s := &e.spans[i]; s.task.Candidates != nil {
			e.jobs = append(e.jobs, job{task: s.task, candidates: rows[s.first:][:s.n], span: s})
		}
	}
	e.work()
	for i := range e.spans {
		if s := &e.spans[i]; s.task.ended || !s.task.valid() {
			s.n = 0
		}
	}
	return nil
}

// part returns part i of a row that is sifted, or nil where the device fails, which shows
// at its next step. Several goroutines may ask.
func (e *Engine) part(row, i int) []float32 {
	e.fetching.Lock()
	defer e.fetching.Unlock()
	parts, vocab := len(e.sifted[row].Parts), e.sifting.Dim(1)
	if i < 0 || i >= parts {
		return nil
	}
	size := (vocab + parts - 1) / parts
	from := i * size
	n := min(size, vocab-from)
	if n <= 0 {
		return nil
	}
	mark := e.step.Mark()
	defer e.step.Release(mark)
	column := e.step.View(e.step.SliceRows(e.sifting, row, 1), vocab, 1)
	if len(e.columns[row]) < n {
		e.columns[row] = hostFloats(e.cfg.Backend, size)
	}
	out := e.columns[row][:n]
	if e.download(out, e.step.SliceRows(column, from, n)) != nil {
		return nil
	}
	return out
}

// whole hands whole rows of logits from first up to end to the tasks that still need
// them.
//
//	logits  [n, vocab]
func (e *Engine) whole(logits *tensor.Tensor, first, end int) error {
	from, to := end, first
	for i := range e.spans {
		if s := &e.spans[i]; s.n > 0 && s.first < end && s.first+s.n > first {
			from, to = min(from, max(first, s.first)), max(to, min(end, s.first+s.n))
		}
	}
	if from >= to {
		return nil
	}
	vocab := logits.Dim(1)
	out := e.logits[:(to-from)*vocab]
	if err := e.download(out, e.step.SliceRows(logits, from, to-from)); err != nil {
		return err
	}
	for i := range e.spans {
		s := &e.spans[i]
		lo, hi := max(from, s.first), min(to, s.first+s.n)
		if lo < hi && !s.task.ended {
			e.jobs = append(e.jobs, job{task: s.task, values: out[(lo-from)*vocab:][:(hi-lo)*vocab], n: hi - lo, width: vocab})
		}
	}
	e.work()
	return nil
}
