package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// flagError says of a flag's value what would do, where the flag's type knows
// only what went wrong in the parser.
func flagError(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	flag := bad.GetFlag()
	want, ok := map[string]string{
		"int": "a whole number", "int64": "a whole number", "uint": "a whole number from 0", "uint64": "a whole number from 0", "intSlice": "whole numbers with commas",
		"float64": "a number such as 0.5", "bool": "true or false", "duration": "a duration such as 500ms or 1m30s",
	}[flag.Value.Type()]
	var number *strconv.NumError
	switch {
	case errors.As(err, &number) && number.Err == strconv.ErrRange && ok:
		return fmt.Errorf("--%s %q: too large: use %s", flag.Name, bad.GetValue(), want)
	case ok && (number != nil || flag.Value.Type() == "duration" && strings.HasPrefix(bad.Unwrap().Error(), "time: ")):
		return fmt.Errorf("--%s %q: use %s", flag.Name, bad.GetValue(), want)
	}
	return err
}

// byteSize is a flag value such as 512MiB, 64KB or 1048576.
type byteSize int64

var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40},
	{"b", 1},
}

// Set implements pflag.Value.
func (s *byteSize) Set(text string) error {
	number, factor := strings.ToLower(strings.TrimSpace(text)), int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || !(x > 0) || x*float64(factor) > math.MaxInt64/2 {
		return fmt.Errorf("not a size: use a number with KiB, MiB or GiB, such as 512MiB")
	}
	*s = byteSize(x * float64(factor))
	return nil
}

// String implements pflag.Value.
func (s *byteSize) String() string {
	switch n := int64(*s); {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	default:
		return strconv.FormatInt(n, 10)
	}
}

// Type implements pflag.Value.
func (s *byteSize) Type() string { return "size" }

// notNegative checks duration flags that a minus sign makes no sense of.
func notNegative(f *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		if d, err := f.GetDuration(name); err == nil && d < 0 {
			return usageError(fmt.Errorf("--%s %v: a duration cannot be negative", name, d))
		}
	}
	return nil
}

// choice is a flag value out of a fixed list.
type choice struct {
	value   string
	allowed []string
}

// Set implements pflag.Value.
func (c *choice) Set(text string) error {
	for _, a := range c.allowed {
		if strings.EqualFold(text, a) {
			c.value = a
			return nil
		}
	}
	return fmt.Errorf("must be one of %s", strings.Join(c.allowed, ", "))
}

// String implements pflag.Value.
func (c *choice) String() string { return c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return strings.TrimPrefix(strings.Join(c.allowed, "|"), "|") }
