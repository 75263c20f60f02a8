package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func everyone() []*contestant {
	return []*contestant{
		{name: "publish, 512 in flight, sink of --mode subject", run: publishAsync("subject")},
		{name: "publish, 512 in flight, sink of --mode window", run: publishAsync("window")},
		{name: "publish, one at a time", run: publishSync},
		{name: "read, publish, acknowledge: no keys", run: relayBlind},
		{name: "1 × `guard --mode subject`", run: guard("subject", 1)},
		{name: "2 × `guard --mode subject`", run: guard("subject", 2)},
		{name: "4 × `guard --mode subject`", run: guard("subject", 4)},
		{name: "1 × `guard --mode window`", run: guard("window", 1)},
		{name: "2 × `guard --mode window`", run: guard("window", 2)},
		{name: "4 × `guard --mode window`", run: guard("window", 4)},
	}
}

// rates measures all of them on servers that do not sync, which is what one
// publisher's speed depends on most.
func rates(ctx context.Context, c *config, r *report, nodes, keys int) error {
	all := everyone()
	if err := c.race(ctx, nodes, keys, c.rounds, all, "--no-sync"); err != nil {
		return err
	}
	title := "one server"
	if nodes > 1 {
		title = fmt.Sprintf("%d servers, %d replicas", nodes, nodes)
	}
	r.rates(title+", not syncing", keys, all, 0, 3)
	return nil
}

// synced measures servers that sync before they acknowledge, as holdfast engine
// does of itself.
func synced(ctx context.Context, c *config, r *report) error {
	all := everyone()
	all = []*contestant{all[0], all[2], all[3], all[4], all[6]}
	keys := max(c.keys/20, 200)
	if err := c.race(ctx, 1, keys, c.rounds, all); err != nil {
		return err
	}
	r.rates("one server that syncs always", keys, all, 0, 2)
	return nil
}

// race lets all take turns on one set of servers.
func (c *config) race(ctx context.Context, nodes, keys, rounds int, all []*contestant, more ...string) error {
	dir := filepath.Join(c.dir, "race")
	defer os.RemoveAll(dir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	e, err := c.start(ctx, dir, nodes, more...)
	if err != nil {
		return err
	}
	defer e.stop()
	r := &race{config: c, engines: e, keys: keys, nodes: nodes}
	if err := r.fill(ctx); err != nil {
		return err
	}
	for round := range rounds {
		for i := range all {
			p := all[(i*3+round)%len(all)] // in another order each round
			if len(all)%3 == 0 {
				p = all[(i+round)%len(all)]
			}
			if err := r.take(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			fmt.Fprintf(os.Stderr, "servers: %d, round %d of %d: %s: %.0f keys/s\n", nodes, round+1, rounds, p.name, p.rates[len(p.rates)-1])
		}
	}
	return nil
}

// take gives a contestant its turn, and clears up.
func (r *race) take(ctx context.Context, p *contestant) error {
	sink, cpu, err := p.run(ctx, r)
	if err != nil {
		return err
	}
	s, err := r.js.Stream(ctx, sink)
	if err != nil {
		return err
	}
	state := s.CachedInfo().State
	want := uint64(r.keys)
	if strings.Contains(p.name, "one at a time") {
		want /= 10
	}
	if state.Msgs != want {
		return fmt.Errorf("%d messages are stored, want %d", state.Msgs, want)
	}
	p.rates = append(p.rates, float64(state.Msgs-1)/state.LastTime.Sub(state.FirstTime).Seconds())
	p.cpus = append(p.cpus, float64(cpu.Microseconds())/float64(want))
	in, err := r.js.Stream(ctx, source)
	if err != nil {
		return err
	}
	for name := range in.ConsumerNames(ctx).Name() {
		if err := in.DeleteConsumer(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range []string{sink, sink + "_DEAD"} {
		if err := r.js.DeleteStream(ctx, name); err != nil && !strings.HasPrefix(sink, "PLAIN") {
			return err
		}
	}
	time.Sleep(200 * time.Millisecond) // for the server to take its breath
	return nil
}
