package merge

import (
	"fmt"
	"strconv"
	"strings"
)

// heading names the pair: "A=0,2 B=1 bend=5".
func (w *world) heading() string {
	spell := func(l []int32) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(l), " ", ","), "[]") }
	return fmt.Sprintf("A=%s B=%s bend=%d", spell(w.lists[0]), spell(w.lists[1]), w.c.bend.number())
}

// readHeading undoes heading.
func readHeading(c Config, s string) (*world, error) {
	fields := strings.Fields(s)
	if len(fields) != 3 {
		return nil, fmt.Errorf("%w: lists are written as A=1,2 B=3 bend=0", ErrConfig)
	}
	var lists [3][]int32
	for i, prefix := range []string{"A=", "B=", "bend="} {
		values, ok := strings.CutPrefix(fields[i], prefix)
		if !ok {
			return nil, fmt.Errorf("%w: %q does not begin with %s", ErrConfig, fields[i], prefix)
		}
		for v := range strings.SplitSeq(values, ",") {
			if v == "" {
				continue
			}
			n, err := strconv.ParseInt(v, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%w: %v", ErrConfig, err)
			}
			lists[i] = append(lists[i], int32(n))
		}
	}
	if len(lists[2]) != 1 {
		return nil, fmt.Errorf("%w: bend is one number", ErrConfig)
	}
	c.bend = bendOf(lists[2][0])
	return newWorld(c, lists[0], lists[1])
}

// number writes a bend as bits.
func (b bend) number() (n int32) {
	for i, set := range []bool{b.noAll, b.swap, b.withhold, b.claim} {
		if set {
			n |= 1 << i
		}
	}
	return n
}

func bendOf(n int32) bend {
	return bend{noAll: n&1 != 0, swap: n&2 != 0, withhold: n&4 != 0, claim: n&8 != 0}
}
