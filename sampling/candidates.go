// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// Candidates are the largest logits of a row: all of at least Floor, and no others. A device that
// holds the row finds them where the whole row would be long under way to the host.
type Candidates struct {
	IDs    []int32   // [n] ascending
	Values []float32 // [n]
	Floor  float32

	// Parts are Σ exp((x - largest)/Temperature) over parts of the row, each with the next
	// ceil(vocab/parts) logits, as far as there are: together to a part in 100,000.
	Temperature float32
	Parts       []float32 // [parts]

	// Part returns the logits of a part, to be changed, or nil if that failed.
	Part func(i int) []float32
}

const (
	partsError = 1e-5  // of all of Candidates.Parts, as a part of their sum
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

// TakesCandidates reports whether SampleFrom can pick a token: without typical_p, unless top_k
// leaves few, and without processors of the caller's or settings that raise logits.
func (c *Chain) TakesCandidates() bool {
	for _, p := range c.processors {
		if l, ok := p.(lowering); !ok || !l.lowers() {
			return false
		}
	}
	if c.params.Temperature == 0 {
		return true
	}
	if c.topK != nil {
		return c.topK.k <= mostCandidates
	}
	return !c.typical() // it keeps tokens for being neither likely nor unlikely
}

// MinCandidates returns how many of the largest logits are always enough for SampleFrom, or 0
// where more of them decide more often.
func (c *Chain) MinCandidates() int {
	switch {
	case len(c.processors) > 0:
		return 0
	case c.params.Temperature == 0:
		return 1
	case c.topK != nil:
		return c.topK.k
	}
	return 0
}

// PartsAt returns the temperature of the Candidates.Parts that SampleFrom needs, or 0.
func (c *Chain) PartsAt() float32 {
	if !c.needsParts() || !c.TakesCandidates() {
		return 0
	}
	return float32(c.params.Temperature)
}

func (c *Chain) needsParts() bool {
	return c.params.Temperature != 0 && c.topK == nil && !c.onlyMinP()
}

func (c *Chain) nucleus() bool { return c.params.TopP > 0 && c.params.TopP < 1 }
func (c *Chain) typical() bool { return c.params.TypicalP > 0 && c.params.TypicalP < 1 }

// onlyMinP reports whether min_p rules out the tokens without the mass of the row.
func (c *Chain) onlyMinP() bool { return c.params.MinP > 0 && !c.nucleus() }

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
	if c.needsParts() {
		if below, ok = c.massBelow(k, s); !ok {
			return -1, false
		}
	}
	if !c.narrowed(k, s) {
		return -1, false
	}
	if c.params.Temperature == 0 {
		at, top, err := argmax(k.Values)
		if err != nil || top < k.Floor {
			return -1, false
		}
		return k.IDs[at], true
	}
	if c.topK != nil {
		set, ok := c.largestOf(k)
		if !ok {
			return -1, false
		}
		c.narrow(&set)
		return c.draw(&set), true
	}
	before := c.random.draws
	if c.nucleus() || c.onlyMinP() {
		id, ok = c.sampleNucleus(k, below)
	} else {
		id, ok = c.samplePart(k, below, s)
	}
	if !ok {
		c.random.draws = before
		return -1, false
	}
	return id, true
}

// narrowed has the processors edit the candidates.
func (c *Chain) narrowed(k Candidates, s *State) bool {
	for _, p := range c.processors {
		if !p.(lowering).narrow(k, s) {
			return false
		}
	}
	return true
}

// mass is what the logits below the floor weigh before the processors.
type mass struct {
	parts   []float64 // [parts]
	error   float64   // of their sum at most
	lowered float64   // what the processors can take away from it at most
	scale   scale
}

// massBelow returns the mass of what is not among the candidates, from that of the row's parts.
func (c *Chain) massBelow(k Candidates, s *State) (m mass, ok bool) {
	_, top, err := argmax(k.Values)
	known := k.Temperature > 0 && k.Temperature == float32(c.params.Temperature)
	if err != nil || !known || len(k.Parts) == 0 {
		return m, false
	}
	m.scale = newScale(top, c.params.Temperature)
	c.parts = append(c.parts[:0], make([]float64, len(k.Parts))...)
	for i, part := range k.Parts {
		c.parts[i] = float64(part)
		m.error += partsError * float64(part)
	}
	c.addTo(c.parts, k, m.scale, -1)
	for _, p := range c.processors {
		m.lowered += float64(p.(lowering).most(s)) * m.scale.weight(k.Floor)
	}
	m.parts = c.parts
	return m, true
}

// partSize returns how many logits a part has, but for the last ones.
func (c *Chain) partSize(parts int) int { return (c.vocab + parts - 1) / parts }

// addTo adds the candidates' weights times sign to the parts that they lie in.
func (c *Chain) addTo(parts []float64, k Candidates, sc scale, sign float64) {
	size := int32(c.partSize(len(parts)))
	for i, id := range k.IDs {
		parts[id/size] += sign * sc.weight(k.Values[i])
	}
}

// sampleNucleus is SampleFrom without top_k. The whole row's sums are others: the
// token is the row's where no error of them within their bounds would give another.
func (c *Chain) sampleNucleus(k Candidates, below mass) (id int32, ok bool) {
	set, ok := c.nucleusOf(k, below)
	if !ok {
		return -1, false
	}
	total := c.sum(&set)
	id, margin := c.at(&set, c.random.float()*total)
	return id, margin > drawError*total
}

// samplePart is SampleFrom where all tokens may be drawn: from the masses of the parts follows
// in which of them the token lies, and its logits are fetched.
func (c *Chain) samplePart(k Candidates, below mass, s *State) (id int32, ok bool) {
	_, top, err := argmax(k.Values)
	if err != nil || top < k.Floor || k.Part == nil {
		return -1, false
	}
	sc, unit := newScale(top, c.params.Temperature), below.scale.weight(top)
	total := 0.0
	for i := range below.parts {
		below.parts[i] = max(0, below.parts[i]) / unit
	}
	c.addTo(below.parts, k, sc, 1)
	for _, m := range below.parts {
		total += m
	}
	part, rest := walk(below.parts, c.random.float()*total)
	logits := k.Part(part)
	size := c.partSize(len(k.Parts))
	if len(logits) != min(size, c.vocab-part*size) {
		return -1, false
	}
	c.partIDs = c.partIDs[:0]
	for i := range logits {
		c.partIDs = append(c.partIDs, int32(part*size+i))
	}
	if !c.narrowed(Candidates{IDs: c.partIDs, Values: logits}, s) {
		return -1, false
	}
	set := everything(logits, sc)
	set.ids = c.partIDs
	off := (below.error+below.lowered)/unit + drawError*total
	if !(math.Abs(c.sum(&set)-below.parts[part]) <= off) { // another part than its mass says
		return -1, false
	}
	id, margin := c.at(&set, rest)
	return id, margin > 2*off // of the share, and of the mass before the part
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
		outside := 0.0
		for _, m := range below.parts {
			outside += m
		}
		least := c.params.TopP * (inside + max(0, outside-below.error-below.lowered)/unit)
		most := c.params.TopP * (inside + max(0, outside+below.error)/unit)
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
