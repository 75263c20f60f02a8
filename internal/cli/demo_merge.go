package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"holdfast/engine/incident"
	"holdfast/merge/logs"
)

// demoMerge joins what the three workers have left: their logs into one, and, by
// two processes that are killed again and again, the numbers of their ticks.
func demoMerge(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	if err := j.fresh("merge"); err != nil {
		return c, err
	}
	var files []string
	for w := range incident.Workers {
		files = append(files, j.path("incident", incident.WorkerFile(w)))
	}
	joined, err := logs.Merge(ctx, logs.Config{Files: files, By: "start_time", Out: j.path("incident", "worker_logs.csv")})
	if err != nil {
		return c, err
	}
	// Who wrote a tick first has it: the first worker's numbers, and the others'.
	var lists [2][]int
	seen := map[int]bool{}
	for _, r := range j.race.Rows {
		if seen[r.Event] {
			continue
		}
		seen[r.Event] = true
		k := min(int(r.Worker[len(r.Worker)-1]-'1'), 1)
		lists[k] = append(lists[k], r.Event)
	}
	var all []int
	for i := range j.plan.Events {
		all = append(all, i)
	}
	a, b, out := j.path("merge", "a.txt"), j.path("merge", "b.txt"), j.path("merge", "sorted.txt")
	for i, name := range []string{a, b} {
		slices.Sort(lists[i])
		if err := os.WriteFile(name, integers(lists[i]), 0o666); err != nil {
			return c, err
		}
	}
	var r struct {
		Messages int64 `json:"messages"`
		Bound    int64 `json:"bound_messages"`
		Faults   struct {
			Kills int64 `json:"kills"`
		} `json:"faults"`
	}
	if err := j.self(ctx, &r, "merge", "pair", a, b, "-o", out, "--processes", "--faults", fmt.Sprintf("%s:%d", j.seed(), j.kills())); err != nil {
		return c, err
	}
	got, err := os.ReadFile(out)
	if err != nil {
		return c, err
	}
	most := r.Bound*11/10 + 3
	c.facts = []string{fmt.Sprintf("two processes, killed %s, join the numbers of the ticks with %s of ten integers",
		howOften(int(r.Faults.Kills)), counted(r.Messages, "message", "messages"))}
	c.claims = []claim{
		equal("attempts in the one log, in the order of their starts", int64(len(j.race.Attempts)), joined.Written),
		equal("the joined numbers are those of the market, none missing", true, bytes.Equal(got, integers(all))),
		{What: "messages, of those that the information bound allows", Injected: fmt.Sprintf("at most %d", most), Found: fmt.Sprint(r.Messages), Held: r.Messages <= most},
	}
	return c, nil
}

func integers(values []int) []byte {
	var b []byte
	for _, v := range values {
		b = append(strconv.AppendInt(b, int64(v), 10), '\n')
	}
	return b
}
