package merge

import "fmt"

// validated gives c with its defaults filled in.
func (c Config) validated() (Config, error) {
	if c.Of == 0 {
		c.Of = 2
	}
	if c.Words == 0 {
		c.Words = Words
	}
	if c.MaxValues == 0 {
		c.MaxValues = MaxValues
	}
	switch {
	case c.Of < 2 || c.Of > MaxWorkers:
		return c, fmt.Errorf("%w: %d workers, not 2 to %d", ErrConfig, c.Of, MaxWorkers)
	case c.ID < 0 || c.ID >= c.Of:
		return c, fmt.Errorf("%w: worker %d of %d", ErrConfig, c.ID, c.Of)
	case c.Strategy != Default && (c.Balance != Coded || c.Of != 2):
		return c, fmt.Errorf("%w: a baseline is for two workers and balances nothing", ErrConfig)
	case c.Of > 2 && c.Balance != Touch:
		return c, fmt.Errorf("%w: more than two workers need range ownership (balance touch)", ErrConfig)
	case c.Words < Words-1 || c.Words > MaxWords:
		return c, fmt.Errorf("%w: %d words a message, not %d to %d", ErrConfig, c.Words, Words-1, MaxWords)
	case c.Duplicates > Drop || c.Balance > Touch || c.Strategy > Exchange:
		return c, fmt.Errorf("%w: unknown duplicates, balance or strategy", ErrConfig)
	case c.Base < 0 || c.Base > maxOffset:
		return c, fmt.Errorf("%w: output from byte %d on", ErrConfig, c.Base)
	case c.MaxValues < 0 || c.MaxValues > setcodeLimit:
		return c, fmt.Errorf("%w: at most %d values", ErrConfig, setcodeLimit)
	case len(c.Data) > c.MaxValues:
		return c, limitError("%d values, more than %d", len(c.Data), c.MaxValues)
	}
	if c.Parts = c.Parts || c.Of > 2; c.Parts {
		c.Base = 0
	}
	return c, nil
}

// Limits of a configuration.
const (
	MaxWorkers   = 256
	MaxWords     = 4096
	setcodeLimit = 1 << 27 // what the codec's universe has room for
)
