// SPDX-License-Identifier: Apache-2.0

package zen

// parts hands out what is added to it part by part. The parts lie in blocks that
// they share, so that a part of one or two values needs no memory of its own; each
// is the taker's alone.
type parts[T any] struct {
	block []T
	taken int // of block
}

// Blocks grow to this many values: what someone who keeps one part keeps of others.
const largestBlock = 1024

// add adds a value to the next part.
func (p *parts[T]) add(v T) {
	if len(p.block) == cap(p.block) {
		rest := p.block[p.taken:]
		size := max(16, min(2*cap(p.block), largestBlock), 2*len(rest))
		p.block, p.taken = append(make([]T, 0, size), rest...), 0
	}
	p.block = append(p.block, v)
}

// len returns the number of values of the next part.
func (p *parts[T]) len() int { return len(p.block) - p.taken }

// take returns the values added since the part before, nil where there are none.
func (p *parts[T]) take() []T {
	from, to := p.taken, len(p.block)
	if from == to {
		return nil
	}
	p.taken = to
	return p.block[from:to:to]
}
