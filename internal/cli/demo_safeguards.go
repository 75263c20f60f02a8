package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"sync"

	"holdfast/engine/incident"
)

// lanes is how many races run at a time. They mostly sleep.
const lanes = 3

// raceTable is what was foretold of the safeguards, and what happened.
type raceTable struct {
	without int64 // rows too many
	held    int64 // of them, rows of ticks that the machine held up
	rows    []incident.Verdict
}

// demoSafeguards repeats the race with each safeguard really on.
func demoSafeguards(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	list := incident.Safeguards()
	results, err := j.raceAll(ctx, list)
	if err != nil {
		return c, err
	}
	t := &raceTable{without: j.race.Duplicates(), held: j.race.HeldUp()}
	for i, s := range list {
		o, err := j.foretold(s.Foretold())
		if err != nil {
			return c, err
		}
		v := incident.Judge(o, j.race, results[i])
		t.rows = append(t.rows, v)
		c.claims = append(c.claims, claim{
			What:     fmt.Sprintf("rows too many with %s, none lost", s.About()),
			Injected: v.Widened.String(), Found: fmt.Sprint(v.Actual), Held: v.Held(),
		})
	}
	c.table, j.table = t, t
	c.facts = []string{fmt.Sprintf("the same %s ticks, work and kills for each, %d races at a time; without a safeguard: %s too many",
		fmt.Sprint(j.race.Ticks), lanes, counted(t.without, "row", "rows"))}
	return c, j.writeTable(t)
}

// raceAll runs the races, a few at a time. The first that fails ends all.
func (j *journey) raceAll(ctx context.Context, list []incident.Safeguard) ([]*incident.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]*incident.Result, len(list))
	queued := make([]int64, len(list))
	next := make(chan int)
	var mu sync.Mutex // of queued and of the progress
	var group sync.WaitGroup
	for range lanes {
		group.Go(func() {
			for i := range next {
				r, err := j.runRace(ctx, list[i], func(n, _ int) {
					mu.Lock()
					defer mu.Unlock()
					queued[i] = int64(n)
					sum := int64(0)
					for _, q := range queued {
						sum += q
					}
					j.progress.Step("safeguards", sum, int64(len(list)*len(j.ticks)))
				})
				if err != nil {
					cancel(fmt.Errorf("%s: %w", list[i], err))
				}
				results[i] = r
			}
		})
	}
	for i := range list {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	group.Wait()
	return results, context.Cause(ctx)
}

// writeTable writes safeguards.csv.
func (j *journey) writeTable(t *raceTable) error {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"safeguard", "foretold_as", "duplicates_without", "predicted_lo", "predicted_hi", "widened_lo", "widened_hi", "duplicates", "held_up", "events_lost", "held"})
	for _, v := range t.rows {
		_ = w.Write([]string{string(v.Safeguard), v.Safeguard.Foretold().String(), fmt.Sprint(t.without), fmt.Sprint(v.Predicted.Lo), fmt.Sprint(v.Predicted.Hi),
			fmt.Sprint(v.Widened.Lo), fmt.Sprint(v.Widened.Hi), fmt.Sprint(v.Actual), fmt.Sprint(v.HeldUp), fmt.Sprint(v.Lost), fmt.Sprint(v.Held())})
	}
	w.Flush()
	return writeWhole(j.path("safeguards.csv"), []byte(b.String()))
}
