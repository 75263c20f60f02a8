package incident

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/engine/incident/plan"
)

// Each sink decides by its own rule, whoever asks and in whatever order.
func TestSinks(t *testing.T) {
	t.Parallel()
	conn := enginetest.Connect(t, enginetest.Start(t, engine.Config{}).URL())
	for _, c := range []struct {
		safeguard Safeguard
		offered   []uint64 // deliveries of one event, in the order in which they come
		stored    []bool
	}{
		{MessageID, []uint64{1, 2, 1}, []bool{true, false, false}},
		{OnePerSubject, []uint64{2, 1, 2}, []bool{true, false, false}},
		{Fencing, []uint64{2, 1, 2, 3, 1}, []bool{true, false, true, true, false}},
	} {
		n := names{"run-" + string(c.safeguard)}
		if err := prepare(t.Context(), conn, n, c.safeguard, Workers); err != nil {
			t.Fatal(err)
		}
		s := streamSink{conn.JS, n, c.safeguard}
		write := func(event int, delivery uint64) bool {
			tick := (plan.Plan{}).Tick(event)
			ok, err := s.write(t.Context(), tick.ID(), delivery, appendRow(nil, tick, delivery, "worker-1", tick.Time))
			if err != nil {
				t.Error(err)
			}
			return ok
		}
		var got []bool
		for _, d := range c.offered {
			got = append(got, write(0, d))
		}
		if !slices.Equal(got, c.stored) {
			t.Errorf("%s: %v, want %v", c.safeguard, got, c.stored)
		}
		// Ten at once, on another event.
		var group sync.WaitGroup
		for d := range uint64(10) {
			group.Go(func() { write(1, d+1) })
		}
		group.Wait()
		text, err := stored(t.Context(), conn, n)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := parseRows(text)
		if err != nil {
			t.Fatal(err)
		}
		last, count := 0, 0
		for _, r := range rows {
			if r.Event != 1 {
				continue
			}
			count++
			if c.safeguard == Fencing && r.Delivery < last {
				t.Errorf("delivery %d is stored after %d", r.Delivery, last)
			}
			last = r.Delivery
		}
		if c.safeguard.ByKey() && count != 1 || count == 0 {
			t.Errorf("%s: %d rows of one event", c.safeguard, count)
		}
	}
}

// Rows and records that nobody can have written are refused.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"TCS,2025-07-14T09:15:00Z,1\n", "a,b,1.0,evt_0000001,x,worker-1,5\n", "a,b,1.0,evt_0000001,1,worker-1,soon\n", "a,b,1.0,tick,1,worker-1,5\n"} {
		if rows, err := parseRows([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, rows)
		}
	}
	for i, text := range []string{"finish,evt_0000001,1,5\n", "claim,evt_0000001,1,5\nclaim,evt_0000001,1,6\n", "claim,evt_0000001,1\n", "claim,evt_0000001,one,5\n", "sleep,evt_0000001,1,5\n"} {
		dir := t.TempDir()
		f, err := openLog(dir, workerName(0)+".log")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, text)
		f.Close()
		if list, err := readAttempts(dir, 0); err == nil {
			t.Errorf("case %d: %+v", i, list)
		}
	}
}
