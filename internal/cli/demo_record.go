package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"holdfast/lab/lossy"
	"holdfast/record"
)

const (
	demoPackets = 1000
	demoKills   = 25
	// demoStarts bounds the restart loop: a recording that needs more has lost
	// the ability to go on.
	demoStarts = 1000
)

// demoRecord records the lab's lossy source with real processes, of which 25
// are killed outright at random moments, besides those that the source ends.
func demoRecord(ctx context.Context, j *journey) ([]claim, error) {
	if err := os.RemoveAll(j.path("record")); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(j.path("record"), 0o777); err != nil {
		return nil, err
	}
	log := j.path("record", "events.log")
	_, starts, err := j.recordUnderKills(ctx, log)
	if err != nil {
		return nil, err
	}
	s, deliverable, err := j.scoreRecord(log)
	if err != nil {
		return nil, err
	}
	return []claim{
		{What: "kills and other ends of the process survived", Injected: fmt.Sprint(starts - 1), Found: fmt.Sprint(starts - 1), Held: true},
		equal("", "packets logged, of those ever delivered", int64(deliverable), s.Logged),
		equal("", "lines out of order", int64(0), s.Inversions),
		equal("", "packets logged twice", int64(0), s.DuplicatesInLog),
	}, nil
}

// recordUnderKills starts the recorder until it has finished its session.
func (j *journey) recordUnderKills(ctx context.Context, log string) (kills, starts int, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	rng := rand.New(rand.NewPCG(j.seed, 1))
	for starts = 1; starts <= demoStarts; starts++ {
		c := exec.CommandContext(ctx, program, "record", "--quiet", "--source", "lab", "--seed", fmt.Sprint(j.seed),
			"--packets", fmt.Sprint(demoPackets), "--state-dir", j.path("record"), "--log", log)
		c.Args[0] = os.Args[0]
		if err := c.Start(); err != nil {
			return kills, starts, err
		}
		var deadline *time.Timer
		if kills < demoKills {
			deadline = time.AfterFunc(time.Duration(5+rng.IntN(40))*time.Millisecond, func() { _ = c.Process.Kill() })
		}
		err := c.Wait()
		if deadline != nil {
			deadline.Stop()
		}
		var exit *exec.ExitError
		switch {
		case err == nil:
			return kills, starts, nil
		case ctx.Err() != nil:
			return kills, starts, ctx.Err()
		case !errors.As(err, &exit):
			return kills, starts, err
		case exit.ExitCode() < 0:
			kills++
		case exit.ExitCode() != ExitNotHeld:
			return kills, starts, fmt.Errorf("the recorder ended with status %d", exit.ExitCode())
		}
	}
	return kills, starts, fmt.Errorf("the recorder did not finish within %d starts", demoStarts)
}

// scoreRecord grades the log against the packets of the seed.
func (j *journey) scoreRecord(log string) (s record.Score, deliverable int, err error) {
	c := lossy.Default(int64(j.seed))
	c.TotalPackets = demoPackets
	stream, err := lossy.Generate(c)
	if err != nil {
		return s, 0, err
	}
	f, err := os.Open(log)
	if err != nil {
		return s, 0, err
	}
	defer f.Close()
	s, err = record.ScoreLog(f, record.Truth{Generated: stream.Sequences, Deliverable: stream.Deliverable()})
	return s, stream.Deliverable(), err
}
