// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/zenlm/zen/kvcache"
)

// A saved session is, all little-endian:
//
//	magic     [8]byte  "ZENSESS1"
//	identity  [32]byte of the checkpoint
//	dtype     uint32   of the KV cache, a tensor.DType
//	length    uint32   tokens
//	tokens    [length]int32
//	layers    for each layer what kvcache.Sequence.Save writes
//	checksum  [32]byte SHA-256 of all before it
const sessionMagic = "ZENSESS1"

// ErrSession is matched when a saved session is damaged or another model's.
var ErrSession = errors.New("zen: wrong session file")

// Save writes the session so that RestoreSession can continue it, in another
// process too. It holds the session's tokens and their keys and values, ends with
// a checksum, and fits only the same checkpoint with the same KV type.
func (s *Session) Save(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sequence == nil {
		return fmt.Errorf("%w: session", ErrClosed)
	}
	header, err := s.model.sessionHeader(s.tokens)
	if err != nil {
		return err
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	if _, err := out.Write(header); err != nil {
		return err
	}
	var buf bytes.Buffer
	for layer := range s.model.config.NumHiddenLayers {
		buf.Reset()
		err := s.call(func(*kvcache.Cache) error { return s.sequence.Save(&buf, layer) })
		if err != nil {
			return err
		}
		if _, err := out.Write(buf.Bytes()); err != nil {
			return err
		}
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// sessionHeader returns what comes before the layers.
func (m *Model) sessionHeader(tokens []int32) ([]byte, error) {
	var id [32]byte
	// On the engine's goroutine, since Close unmaps the weights after its end.
	err := m.engine.Call(func(*kvcache.Cache) error {
		id = m.identity()
		return nil
	})
	if err != nil {
		return nil, err
	}
	h := append([]byte(sessionMagic), id[:]...)
	h = binary.LittleEndian.AppendUint32(h, uint32(m.cache.Shape().DType))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(tokens)))
	for _, t := range tokens {
		h = binary.LittleEndian.AppendUint32(h, uint32(t))
	}
	return h, nil
}

// RestoreSession reads what Session.Save wrote and nothing after it. The error
// matches ErrSession when r holds something else, is cut off or altered, and
// ErrOverloaded when the cache has too few free pages. ctx ends it between layers.
func (m *Model) RestoreSession(ctx context.Context, r io.Reader) (_ *Session, err error) {
	sum := sha256.New()
	in := io.TeeReader(r, sum)
	tokens, err := m.readSessionHeader(in)
	if err != nil {
		return nil, err
	}
	s, err := m.NewSession()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if err := m.engine.Append(s.sequence, len(tokens)); err != nil {
		return nil, err
	}
	if err := s.readLayers(ctx, in, len(tokens)); err != nil {
		return nil, err
	}
	if err := checkSum(r, sum); err != nil {
		return nil, err
	}
	s.tokens = tokens
	return s, nil
}

// readSessionHeader returns the tokens of a header that is this model's.
func (m *Model) readSessionHeader(r io.Reader) ([]int32, error) {
	want, err := m.sessionHeader(nil)
	if err != nil {
		return nil, err
	}
	head := make([]byte, len(want))
	if err := readFull(r, head); err != nil {
		return nil, err
	}
	fixed := len(want) - 4
	length := binary.LittleEndian.Uint32(head[fixed:])
	switch {
	case string(head[:len(sessionMagic)]) != sessionMagic:
		return nil, fmt.Errorf("%w: it begins with %q", ErrSession, head[:len(sessionMagic)])
	case !bytes.Equal(head[:fixed], want[:fixed]):
		return nil, fmt.Errorf("%w: another checkpoint or KV type", ErrSession)
	case uint64(length) > uint64(m.context):
		return nil, fmt.Errorf("%w: %d tokens, the context has %d", ErrSession, length, m.context)
	}
	tokens := make([]int32, length)
	raw := make([]byte, 4*length)
	if err := readFull(r, raw); err != nil {
		return nil, err
	}
	for i := range tokens {
		tokens[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	if err := m.checkTokens("tokens", tokens); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSession, err)
	}
	return tokens, nil
}

// readLayers fills the cache of a session that has room for length tokens.
func (s *Session) readLayers(ctx context.Context, r io.Reader, length int) error {
	shape := s.model.cache.Shape()
	buf := make([]byte, length*shape.PositionBytes())
	for layer := range shape.Layers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := readFull(r, buf); err != nil {
			return err
		}
		err := s.call(func(*kvcache.Cache) error { return s.sequence.Restore(bytes.NewReader(buf), layer) })
		if err != nil {
			return err
		}
	}
	return nil
}

func checkSum(r io.Reader, sum hash.Hash) error {
	want := make([]byte, sum.Size())
	if err := readFull(r, want); err != nil {
		return err
	}
	if !bytes.Equal(want, sum.Sum(nil)) {
		return fmt.Errorf("%w: checksum", ErrSession)
	}
	return nil
}

// readFull is io.ReadFull with a short file as ErrSession.
func readFull(r io.Reader, buf []byte) error {
	_, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut off", ErrSession)
	}
	return err
}
