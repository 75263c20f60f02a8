package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
)

const (
	demoLongList  = 5000
	demoShortList = 1000
	demoRange     = 100_000
	demoMergeKill = 20
)

// demoMerge lets two processes that are killed again and again write one sorted
// file, with messages of ten integers.
func demoMerge(ctx context.Context, j *journey) ([]claim, error) {
	dir := j.path("merge")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	values := rand.New(rand.NewPCG(j.seed, 2)).Perm(demoRange)[:demoLongList+demoShortList]
	a, b, out := j.path("merge", "a.txt"), j.path("merge", "b.txt"), j.path("merge", "sorted.txt")
	if err := errors.Join(os.WriteFile(a, integers(values[:demoLongList]), 0o666), os.WriteFile(b, integers(values[demoLongList:]), 0o666)); err != nil {
		return nil, err
	}
	var r struct {
		Messages int64   `json:"messages"`
		Bound    int64   `json:"bound_messages"`
		Balance  float64 `json:"balance"`
		Faults   struct {
			Kills int64 `json:"kills"`
		} `json:"faults"`
	}
	if err := j.self(ctx, &r, "merge", "pair", a, b, "-o", out, "--processes", "--faults", fmt.Sprintf("%d:%d", j.seed, demoMergeKill)); err != nil {
		return nil, err
	}
	got, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	slices.Sort(values)
	most := r.Bound*11/10 + 3
	return []claim{
		equal("", "kills of the two workers survived", int64(demoMergeKill), r.Faults.Kills),
		equal("", "the file holds both lists, sorted", true, bytes.Equal(got, integers(values))),
		{What: "messages, of those that the information bound allows", Injected: fmt.Sprintf("at most %d", most), Found: fmt.Sprint(r.Messages), Held: r.Messages <= most},
		equal("", "balance of the two workers' comparisons", "1.000", strconv.FormatFloat(r.Balance, 'f', 3, 64)),
	}, nil
}

func integers(values []int) []byte {
	var b []byte
	for _, v := range values {
		b = append(strconv.AppendInt(b, int64(v), 10), '\n')
	}
	return b
}
