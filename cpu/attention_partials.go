// SPDX-License-Identifier: Apache-2.0

package cpu

// partials are the sums of ranges that several workers have computed.
type partials struct {
	group, wide int
	lines       []line    // [ranges, g]
	sums        []float32 // [ranges, g, wide]
}

// resize makes room for n ranges.
func (p *partials) resize(n, group, wide int) {
	p.group, p.wide = group, wide
	if cap(p.lines) < n*group {
		p.lines = make([]line, n*group)
	}
	p.lines = p.lines[:n*group]
	resize(&p.sums, n*group*wide)
}

// keep stores the sums that s holds of a range.
func (p *partials) keep(i int, s *attentionScratch) {
	for h := range p.group {
		p.lines[i*p.group+h] = s.line(h)
	}
	copy(p.sums[i*p.group*p.wide:][:p.group*p.wide], s.sum)
}

// fold adds what keep stored.
func (p *partials) fold(i int, s *attentionScratch) {
	for h := range p.group {
		at := i*p.group + h
		s.fold(h, p.lines[at], p.sums[at*p.wide:][:p.wide])
	}
}
