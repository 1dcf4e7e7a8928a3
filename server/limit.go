// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// authenticate finds the request's key and puts its number into the report.
func (s *Server) authenticate(c *call) error {
	if len(s.options.keys) == 0 {
		return nil
	}
	scheme, key, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "Bearer") || key == "" {
		return unauthorized("no API key: send the header Authorization: Bearer KEY")
	}
	// Every key is compared, whole, so that the time tells nothing about any.
	hash, found := sha256.Sum256([]byte(key)), -1
	for i := range s.options.keys {
		equal := subtle.ConstantTimeCompare(hash[:], s.options.keys[i][:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return unauthorized("incorrect API key")
	}
	c.report.Key = found
	return nil
}

// limiter bounds a key's rate of requests.
type limiter struct {
	bucket *rate.Limiter // nil for no limit
}

func newLimiter(perSecond float64, burst int) *limiter {
	if perSecond == 0 {
		return &limiter{}
	}
	return &limiter{rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// take counts a request, or says when to come again.
func (l *limiter) take() error {
	if l.bucket == nil {
		return nil
	}
	now := time.Now()
	r := l.bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	r.CancelAt(now)
	return tooMany(wait)
}
