package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/engine/incident/plan"
)

// asWorker makes the test binary a worker.
const asWorker = "HOLDFAST_TEST_WORKER"

func TestMain(m *testing.M) {
	if text := os.Getenv(asWorker); text != "" {
		var w Worker
		err := json.Unmarshal([]byte(text), &w)
		if err == nil {
			err = Work(context.Background(), w, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func spawn(w Worker) (*exec.Cmd, error) {
	text, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "GOMAXPROCS=2", asWorker+"="+string(text))
	return c, nil
}

func TestX(t *testing.T) {
	s, err := engine.Start(t.Context(), engine.Config{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, err := engine.Connect(t.Context(), engine.Access{URL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p := plan.Plan{Seed: 1, Events: 2000}
	var ticks []plan.Tick
	for i := range p.Events {
		ticks = append(ticks, p.Tick(i))
	}
	for _, g := range []Safeguard{None} {
		begin := time.Now()
		r, err := Run(t.Context(), Config{Conn: conn, URL: s.URL(), Run: "r-" + string(g), Dir: t.TempDir(), Plan: p, Ticks: ticks, Safeguard: g, Spawn: spawn})
		if err != nil {
			t.Error(g, err)
			continue
		}
		gaps := r.Gaps()
		near := 0
		for _, x := range gaps {
			if max(x-Lease, Lease-x) <= Lease/20 {
				near++
			}
		}
		t.Logf("%-18s rows %d dup %d lost %d open %d kills %d held %d gaps %d near %d even %v  %v", g, len(r.Rows), r.Duplicates(), r.Lost(), r.Open(), r.Kills, r.HeldUp(), len(gaps), near, r.Even(), time.Since(begin))
	}
}
