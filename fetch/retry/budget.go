package retry

import (
	"math"
	"time"
)

// Tokens are what retries cost, in millionths: whole numbers, so that every
// machine counts alike.
type Tokens int64

// Units of tokens.
const (
	Token     Tokens = 1_000_000
	Unlimited Tokens = math.MaxInt64
)

// Sizes of budgets (R7.1). The reserve of an origin is a field of Policy.
const (
	originMost  = 1000
	runReserves = 10 // of an origin
)

// A Budget bounds retries by what was tried for the first time (R7.1): it
// starts with a reserve, earns a share of a token for each first attempt, and
// a token a second while it is below its reserve. It never blocks. There is one
// for each origin and one for the run; the bound is the retry budget of Finagle
// and of "The Tail at Scale".
type Budget struct {
	tokens, reserve, most, ratio Tokens
	last                         time.Duration // when time was last counted
}

// NewBudget gives a budget that starts with the reserve, holds at most most,
// and gains ratio tokens for each first attempt.
func NewBudget(reserve, most, ratio float64, now time.Duration) Budget {
	b := Budget{reserve: tokens(reserve), most: tokens(max(most, reserve)), ratio: tokens(ratio), last: now}
	b.tokens = b.reserve
	return b
}

// OriginBudget gives the budget of one origin under p.
func (p *Policy) OriginBudget(now time.Duration) Budget {
	return NewBudget(p.BudgetReserve, originMost, p.BudgetRatio, now)
}

// RunBudget gives the budget of all origins together.
func (p *Policy) RunBudget(now time.Duration) Budget {
	return NewBudget(runReserves*p.BudgetReserve, runReserves*originMost, p.BudgetRatio, now)
}

func tokens(x float64) Tokens { return Tokens(math.Round(x * float64(Token))) }

// refill counts the time since it was last counted: a token is a second, so a
// millionth of one is a microsecond.
func (b *Budget) refill(now time.Duration) {
	gained := (now - b.last) / time.Microsecond
	if gained <= 0 {
		return
	}
	b.last += gained * time.Microsecond
	if b.tokens < b.reserve {
		b.tokens = min(b.reserve, b.tokens+Tokens(gained))
	}
}

// First earns for a first attempt.
func (b *Budget) First(now time.Duration) {
	b.refill(now)
	b.tokens = min(b.most, b.tokens+b.ratio)
}

// Available is what could be taken now.
func (b *Budget) Available(now time.Duration) Tokens {
	b.refill(now)
	return b.tokens
}

// Take pays for a retry, or takes what is left.
func (b *Budget) Take(now time.Duration, cost Tokens) {
	b.refill(now)
	b.tokens = max(0, b.tokens-cost)
}

// Refund gives back what a retry cost that succeeded.
func (b *Budget) Refund(now time.Duration, cost Tokens) {
	b.refill(now)
	b.tokens = min(b.most, b.tokens+cost)
}
