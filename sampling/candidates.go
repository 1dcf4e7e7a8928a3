// SPDX-License-Identifier: Apache-2.0

package sampling

// Candidates are the largest logits of a row: all of at least Floor, and no others. A device that
// holds the row finds them where the whole row would be long under way to the host.
type Candidates struct {
	IDs    []int32   // [n] ascending
	Values []float32 // [n]
	Floor  float32

	// Total is Σ exp((x - largest)/Temperature) over the row, to a part in 100,000; with a
	// Temperature of 0 it is not known.
	Temperature float32
	Total       float64
}

const (
	totalError = 1e-5  // of Candidates.Total
	drawError  = 1e-11 // of sums that are added up in another order, generously
)

// mostCandidates is the largest top_k that candidates are asked for: backends find a few hundred.
const mostCandidates = 256

// lowering is a processor that raises no logit, so that what was below the floor stays there.
type lowering interface {
	// lowers reports whether that holds for its settings.
	lowers() bool

	// narrow edits the candidates as Process does, and reports whether Process would succeed.
	narrow(k Candidates, s *State) bool

	// most returns a bound of how many tokens of the row it lowers.
	most(s *State) int
}

// TakesCandidates reports whether SampleFrom can pick a token: greedily, with top_k, or with top_p
// or min_p that leave few tokens, and without processors of the caller's or settings that raise
// logits.
func (c *Chain) TakesCandidates() bool {
	for _, p := range c.processors {
		if l, ok := p.(lowering); !ok || !l.lowers() {
			return false
		}
	}
	switch {
	case c.params.Temperature == 0:
		return true
	case c.topK != nil:
		return c.topK.k <= mostCandidates
	case c.typical():
		return false // it keeps tokens for being neither likely nor unlikely
	}
	return c.nucleus() || c.params.MinP > 0
}

// TotalAt returns the temperature of the Candidates.Total that SampleFrom needs, or 0.
func (c *Chain) TotalAt() float32 {
	if c.params.Temperature == 0 || c.topK != nil || !c.nucleus() || !c.TakesCandidates() {
		return 0
	}
	return float32(c.params.Temperature)
}

func (c *Chain) nucleus() bool { return c.params.TopP > 0 && c.params.TopP < 1 }
func (c *Chain) typical() bool { return c.params.TypicalP > 0 && c.params.TypicalP < 1 }

// SampleFrom picks the token that Sample would pick from the whole row. It reports false, having
// changed nothing but the candidates' values, where they do not decide that or Sample would fail.
func (c *Chain) SampleFrom(k Candidates, s *State) (id int32, ok bool) {
	if !c.TakesCandidates() || len(k.IDs) == 0 || len(k.IDs) > maxCandidates || len(k.IDs) > c.vocab {
		return -1, false
	}
	if s == nil {
		s = new(State)
	}
	var below mass
	if c.params.Temperature != 0 && c.topK == nil && c.nucleus() {
		if below, ok = c.massBelow(k, s); !ok {
			return -1, false
		}
	}
	for _, p := range c.processors {
		if !p.(lowering).narrow(k, s) {
			return -1, false
		}
	}
	if c.params.Temperature == 0 {
		at, top, err := argmax(k.Values)
		if err != nil || top < k.Floor {
			return -1, false
		}
		return k.IDs[at], true
	}
	if c.topK == nil {
		return c.sampleNucleus(k, below)
	}
	set, ok := c.largestOf(k)
	if !ok {
		return -1, false
	}
	c.narrow(&set)
	id, _ = c.draw(&set)
	return id, true
}

// mass is what the logits below the floor weigh: least when the processors lower as many of
// them as they can, and most when none.
type mass struct {
	least, most float64
	scale       scale // before the processors
}

// massBelow returns the mass of what is not among the candidates, from the row's total.
func (c *Chain) massBelow(k Candidates, s *State) (m mass, ok bool) {
	_, top, err := argmax(k.Values)
	if err != nil || !(k.Temperature > 0) || k.Temperature != float32(c.params.Temperature) {
		return m, false
	}
	m.scale = newScale(top, c.params.Temperature)
	set := everything(k.Values, m.scale)
	inside := c.filters.total(&set)
	m.least, m.most = k.Total*(1-totalError)-inside, k.Total*(1+totalError)-inside
	for _, p := range c.processors {
		m.least -= float64(p.(lowering).most(s)) * m.scale.weight(k.Floor)
	}
	m.least = max(0, m.least)
	return m, m.most >= m.least
}

// sampleNucleus is SampleFrom without top_k. The whole row's sums are others: the
// token is the row's where no error of them within their bounds would give another.
func (c *Chain) sampleNucleus(k Candidates, below mass) (id int32, ok bool) {
	set, ok := c.nucleusOf(k, below)
	if !ok {
		return -1, false
	}
	id, margin := c.draw(&set)
	if margin < drawError {
		c.random.draws--
		return -1, false
	}
	return id, true
}

// nucleusOf returns what top_p and min_p keep of the row, if all of it are candidates.
func (c *Chain) nucleusOf(k Candidates, below mass) (kept, bool) {
	_, top, err := argmax(k.Values)
	if err != nil || top < k.Floor {
		return kept{}, false
	}
	set := everything(k.Values, newScale(top, c.params.Temperature))
	set.ids = k.IDs
	if c.nucleus() {
		inside := c.filters.total(&set)
		unit := below.scale.weight(top) // of the largest logit now, by the one before
		least, most := c.params.TopP*(inside+below.least/unit), c.params.TopP*(inside+below.most/unit)
		if !(inside >= most) {
			return kept{}, false
		}
		more := set
		c.filters.reach(&set, least)
		c.filters.reach(&more, most)
		if set.low != more.low || set.last != more.last {
			return kept{}, false
		}
	}
	if p := c.params.MinP; p > 0 {
		c.filters.minP(&set, p)
	}
	return set, set.low >= k.Floor
}

// largestOf returns the set that top_k keeps of the row, which all are candidates if the last of
// them is: the same arrays as largest.
func (c *Chain) largestOf(k Candidates) (kept, bool) {
	top, kth, err := c.topK.threshold(k.Values)
	if err != nil || kth < k.Floor {
		return kept{}, false
	}
	set := everything(k.Values, newScale(top, c.params.Temperature))
	set.raise(kth)
	c.filters.compact(&set)
	for i, at := range set.ids {
		set.ids[i] = k.IDs[at]
	}
	return set, true
}

func (b *bias) lowers() bool {
	for _, x := range b.adds {
		if x > 0 {
			return false
		}
	}
	return true
}

func (b *bias) narrow(k Candidates, _ *State) bool {
	at := 0
	for i, id := range k.IDs { // both ascend
		for at < len(b.ids) && b.ids[at] < id {
			at++
		}
		if at < len(b.ids) && b.ids[at] == id {
			k.Values[i] += b.adds[at]
		}
	}
	return true
}

func (b *bias) most(*State) int { return len(b.ids) }

func (b *ban) lowers() bool { return true }

func (b *ban) most(*State) int { return len(b.ids) }

func (b *ban) narrow(k Candidates, s *State) bool {
	if len(s.Completion()) >= b.until {
		return true
	}
	for i, id := range k.IDs {
		for _, banned := range b.ids {
			if id == banned {
				k.Values[i] = minusInf
			}
		}
	}
	return true
}

func (p *penalties) most(s *State) int { return len(s.Tokens) }

func (p *penalties) lowers() bool { return p.repetition >= 1 && p.presence >= 0 && p.frequency >= 0 }

func (p *penalties) narrow(k Candidates, s *State) bool {
	for _, id := range s.Tokens {
		if uint(id) >= uint(p.vocab) {
			return false
		}
	}
	if p.repetition != 1 {
		p.markAll(s.Tokens)
		for i, id := range k.IDs {
			if p.marked(id) {
				k.Values[i] = p.repeated(k.Values[i])
			}
		}
		clear(p.seen)
	}
	if p.frequency != 0 {
		p.narrowFrequent(k, s.Completion())
	}
	if p.presence != 0 {
		p.markAll(s.Completion())
		for i, id := range k.IDs {
			if p.marked(id) {
				k.Values[i] -= p.presence
			}
		}
		clear(p.seen)
	}
	return true
}

func (p *penalties) narrowFrequent(k Candidates, completion []int32) {
	for _, id := range completion {
		p.counts[id]++
	}
	for i, id := range k.IDs {
		k.Values[i] -= float32(p.frequency * float32(p.counts[id]))
	}
	for _, id := range completion {
		p.counts[id] = 0
	}
}
