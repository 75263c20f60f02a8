package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// memory measures what the server needs for the keys of a sink: right after
// they came, when the ids of the last messages are remembered too, and after a
// restart. The sink is one that guard made; this program fills it, which is
// faster.
func memory(ctx context.Context, c *config, r *report) error {
	for _, mode := range []string{"subject", "window"} {
		m, err := c.remember(ctx, mode)
		if err != nil {
			return fmt.Errorf("memory, --mode %s: %w", mode, err)
		}
		r.memory(mode, c.stored, m)
	}
	return nil
}

type remembered struct{ empty, fresh, restarted, disk int64 }

func (c *config) remember(ctx context.Context, mode string) (m remembered, err error) {
	dir := filepath.Join(c.dir, "memory")
	defer os.RemoveAll(dir)
	if err := os.RemoveAll(dir); err != nil {
		return m, err
	}
	e, err := c.start(ctx, dir, 1, "--no-sync")
	if err != nil {
		return m, err
	}
	race := &race{config: c, engines: e, keys: 1, nodes: 1}
	if err = race.fill(ctx); err == nil {
		_, _, err = guard(mode, 1)(ctx, race)
	}
	if err != nil {
		e.stop()
		return m, err
	}
	if m.empty, err = e.settled(ctx); err != nil {
		e.stop()
		return m, err
	}
	race.keys = c.stored
	err = race.each(func(i int) (jetstream.PubAckFuture, error) {
		msg := race.message("OUT1", mode, body(i), i)
		msg.Header.Set("Holdfast-Key", fmt.Sprintf("event_id=evt_%010d", i))
		msg.Header.Set("Holdfast-Subject", subject)
		msg.Header.Set("Holdfast-Source", fmt.Sprintf("%s:%d", source, i))
		return e.js.PublishMsgAsync(msg, patiently)
	})
	if err == nil {
		m.fresh, err = e.settled(ctx)
	}
	e.stop()
	if err != nil {
		return m, err
	}
	if e, err = c.start(ctx, dir, 1, "--no-sync"); err != nil {
		return m, err
	}
	defer e.stop()
	if m.restarted, err = e.settled(ctx); err != nil {
		return m, err
	}
	return m, filepath.Walk(dir, func(_ string, f os.FileInfo, err error) error {
		if err == nil && !f.IsDir() {
			m.disk += f.Size()
		}
		return err
	})
}

// settled is the memory of the server when it no longer shrinks: Go gives freed
// memory back little by little.
func (e *engines) settled(ctx context.Context) (least int64, err error) {
	for same := 0; same < 10; {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Second):
		}
		now, err := e.resident()
		if err != nil {
			return 0, err
		}
		if same++; least == 0 || now < least-least/100 {
			least, same = now, 0
		}
	}
	return least, nil
}
