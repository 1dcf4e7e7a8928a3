// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/zenlm/zen/tensor"

// Where the next token of every task is the largest of its logits, the device is given the
// step after the one it is at before the host knows the tokens: it takes them from its own
// memory, and what the host does about a step is done during the next one. A row is in vain
// where its task ends before it, and a task that comes waits for a step more.

// underWay reports whether the device has a step whose rows somebody waits for.
func (e *Engine) underWay() bool { return e.searched && e.now.wanted() > 0 }

// wanted returns the number of output rows that somebody waits for.
func (r *round) wanted() (n int) {
	for _, t := range r.owners {
		if t != nil {
			n++
		}
	}
	return n
}

// leads reports whether the step that has begun can be followed: the next token of each
// active task is likely the largest of one row of logits.
func (e *Engine) leads() bool {
	if e.follower == nil || len(e.now.owners) != len(e.active) || len(e.active) > SiftedRows {
		return false
	}
	for _, t := range e.now.owners {
		if !t.leads() {
			return false
		}
	}
	return true
}

func (t *Task) leads() bool {
	return t.Candidates != nil && t.MinCandidates == 1 && t.DraftTokens == 0 && !t.refused &&
		t.pending() == 0 && t.nextRow == len(t.Tokens)-1
}

// search ends a step whose rows goOn waits for.
//
//	hidden  [owners, hidden]
func (e *Engine) search(hidden *tensor.Tensor) error {
	logits := e.cfg.Model.Logits(e.step, hidden)
	if e.step.Failed() {
		return e.step.Sync()
	}
	e.follower.Search(logits)
	return nil
}

// goOn gives the device the next step, where one can follow, and hands the rows of this one
// to their tasks.
func (e *Engine) goOn() error {
	if err := e.follow(); err != nil {
		return err
	}
	e.found()
	e.confirm()
	e.settle()
	for _, t := range e.active {
		t.rows = 0
	}
	for _, t := range e.next.owners {
		if t != nil {
			t.rows = 1
		}
	}
	e.now, e.next = e.next, e.now
	e.searched = true
	return nil
}

// follow begins the step after this one, if nobody is left to wait for one of his own.
func (e *Engine) follow() error {
	e.next.reset()
	if e.now.wanted() != len(e.active) {
		return nil
	}
	missing := 0
	for _, t := range e.active {
		missing += t.missing(1)
	}
	if missing > e.cfg.Cache.FreePages() {
		return nil
	}
	for row, t := range e.now.owners {
		if t == nil || len(t.Tokens)+1 >= t.Positions || t.seq.Append(1) != nil {
			continue
		}
		e.tokens = append(e.tokens[:0], int32(-1-row))
		first := e.next.batch.Append(e.tokens, t.seq.Length(), t.seq.Pages())
		e.next.batch.OutputRows = append(e.next.batch.OutputRows, int32(first))
		e.next.owners = append(e.next.owners, t)
	}
	if e.next.batch.Rows() == 0 {
		return nil
	}
	e.count(e.next)
	e.step.Follow(e.follower, &e.next.batch)
	return e.search(e.cfg.Model.Hidden(e.step, e.cfg.Cache))
}

// found hands the rows of this step to their tasks. Those that do not take them are to feed
// their last token again, and get whole rows.
func (e *Engine) found() {
	rows := e.sifted[:len(e.now.owners)]
	clear(rows)
	e.follower.Found(rows)
	e.largest, e.spans = e.largest[:0], e.spans[:0]
	for _, c := range rows {
		e.largest = append(e.largest, -1)
		if len(c.IDs) > 0 {
			e.largest[len(e.largest)-1] = c.IDs[0]
		}
	}
	for row, t := range e.now.owners {
		if t != nil {
			e.spans = append(e.spans, span{t, row, 1})
		}
	}
	e.jobs = e.jobs[:0]
	for i := range e.spans {
		s := &e.spans[i]
		e.jobs = append(e.jobs, job{task: s.task, candidates: rows[s.first:][:1], span: s})
	}
	e.work()
	for _, s := range e.spans {
		if s.n > 0 && !s.task.ended {
			s.task.refused = true
			s.task.fed--
		}
	}
}

// confirm takes the rows of the next step that were begun with other tokens than their tasks
// have now out of it.
func (e *Engine) confirm() {
	for i, t := range e.next.owners {
		largest := e.largest[-1-e.next.batch.Tokens[i]]
		if !t.ended && !t.refused && t.Tokens[len(t.Tokens)-1] == largest {
			t.fed++
			t.reached = max(t.reached, t.fed)
		} else {
			e.next.owners[i] = nil
		}
	}
	for _, t := range e.now.owners {
		if t != nil {
			t.seq.Truncate(t.fed)
		}
	}
}

// forget takes the task's rows out of the steps that are under way.
func (e *Engine) forget(t *Task) {
	for _, r := range []*round{e.now, e.next} {
		for i, o := range r.owners {
			if o == t {
				r.owners[i] = nil
			}
		}
	}
}
