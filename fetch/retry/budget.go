package retry

import (
	"math"
	"time"
)

// Tokens are what retries cost, in millionths.
type Tokens int64

// Units of tokens.
const (
	Token     Tokens = 1_000_000
	Unlimited Tokens = math.MaxInt64
)

// A Budget bounds retries by what was tried for the first time (R7.1). It
// never blocks. Make one for each origin and one for the run.
type Budget struct {
	tokens, reserve, most, ratio Tokens
	last                         time.Duration
}

// NewBudget gives a budget that starts with the reserve, holds at most most,
// and gains ratio tokens for each first attempt.
func NewBudget(reserve, most, ratio float64, now time.Duration) Budget { return Budget{} }

// First earns for a first attempt.
func (b *Budget) First(now time.Duration) {}

// Available is what could be taken now.
func (b *Budget) Available(now time.Duration) Tokens { return 0 }

// Take pays for a retry, or takes what is left.
func (b *Budget) Take(now time.Duration, cost Tokens) {}

// Refund gives back what a retry cost that succeeded.
func (b *Budget) Refund(now time.Duration, cost Tokens) {}
