package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"holdfast/engine/incident/plan"
	"holdfast/lab/lossy"
	"holdfast/merge/logs"
	"holdfast/record"
)

const (
	// demoEnds is the chance that a receive ends the process.
	demoEnds = 0.002
	// demoStarts bounds the restart loop: a recording that needs more has lost
	// the ability to go on.
	demoStarts = 10_000
)

// demoRecord sends the ticks over a faulty link, records them with processes
// that are killed outright at random moments, besides those that the link ends,
// and takes what never came from the pages.
func demoRecord(ctx context.Context, j *journey) (chapter, error) {
	var c chapter
	if err := errors.Join(j.fresh("record"), j.fresh("incident")); err != nil {
		return c, err
	}
	link, err := j.link()
	if err != nil {
		return c, err
	}
	kills, starts, stats, err := j.recordUnderKills(ctx)
	if err != nil {
		return c, err
	}
	recorded, falls, repeats, err := j.readRecording()
	if err != nil {
		return c, err
	}
	same, err := j.fillGaps(ctx, recorded)
	if err != nil {
		return c, err
	}
	sent := link.Stream()
	never := int64(j.plan.Events - sent.Deliverable())
	t := stats.Total
	c.facts = []string{
		fmt.Sprintf("%s deliveries: %s came twice, %s damaged, %s never; the recorder was killed %s (kill -9), and ended %s by the link",
			fmt.Sprint(t.PacketsReceived), fmt.Sprint(t.DuplicatesDiscarded), fmt.Sprint(t.CorruptedPackets), fmt.Sprint(never), howOften(kills), howOften(starts-1-kills)),
	}
	c.claims = []claim{
		equal("ticks recorded, of all that ever came", int64(sent.Deliverable()), int64(len(recorded))),
		equal("of them out of order, or twice", 0, falls+repeats),
		equal("missing ticks that the recorder names", never, int64(t.Gaps)),
		equal("with these taken from the pages: the market, byte for byte", true, same),
	}
	return c, nil
}

func howOften(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// link makes the stream of the lab's faulty source, which carries our ticks. Its
// state is what the recorder's processes go on with.
func (j *journey) link() (*lossy.Source, error) {
	c := lossy.Default(0)
	c.Seed.SetUint64(j.plan.Seed)
	c.TotalPackets, c.StateDir = j.plan.Events, j.path("record")
	c.Payload = func(i int) []byte { return j.pages[i].AppendJSON(nil) }
	return lossy.New(c)
}

// kills is how often something is killed that does little but start again.
func (j *journey) kills() int { return min(max(j.plan.Events/100, 4), 20) }

func (j *journey) log() string { return j.path("record", "events.log") }

// recordUnderKills starts the recorder until it has finished its session.
func (j *journey) recordUnderKills(ctx context.Context) (kills, starts int, s record.Stats, err error) {
	rng := rand.New(rand.NewPCG(j.plan.Seed, 1))
	for starts = 1; starts <= demoStarts; starts++ {
		c, err := tiedProcess(ctx, "record", "--quiet", "--json", "--source", "lab", "--seed", j.seed(),
			"--packets", strconv.Itoa(j.plan.Events), "--termination-prob", fmt.Sprint(demoEnds), "--state-dir", j.path("record"), "--log", j.log())
		if err != nil {
			return kills, starts, s, err
		}
		var out, words bytes.Buffer
		c.Stdout, c.Stderr = &out, &words
		if err := c.Start(); err != nil {
			return kills, starts, s, err
		}
		var deadline *time.Timer
		if kills < j.kills() {
			deadline = time.AfterFunc(time.Duration(5+rng.IntN(40))*time.Millisecond, func() { _ = c.Process.Kill() })
		}
		err = c.Wait()
		if deadline != nil {
			deadline.Stop()
		}
		j.progress.Step("record", int64(starts), 0)
		var exit *exec.ExitError
		switch {
		case err == nil:
			return kills, starts, s, json.Unmarshal(out.Bytes(), &s)
		case ctx.Err() != nil:
			return kills, starts, s, ctx.Err()
		case !errors.As(err, &exit):
			return kills, starts, s, err
		case exit.ExitCode() < 0:
			kills++
		case exit.ExitCode() != ExitNotHeld:
			return kills, starts, s, fmt.Errorf("the recorder ended with status %d: %s", exit.ExitCode(), strings.TrimSpace(words.String()))
		}
	}
	return kills, starts, s, fmt.Errorf("the recorder did not finish within %d starts", demoStarts)
}

// readRecording reads the ticks out of the event log.
func (j *journey) readRecording() (recorded map[int]plan.Tick, falls, repeats int, err error) {
	text, err := os.ReadFile(j.log())
	if err != nil {
		return nil, 0, 0, err
	}
	recorded = map[int]plan.Tick{}
	last := -1
	for line := range bytes.Lines(text) {
		f := strings.Split(string(line), ",")
		if len(f) < 3 {
			return nil, 0, 0, fmt.Errorf("%s: %q is no packet", j.log(), line)
		}
		payload, err := hex.DecodeString(f[2])
		if err != nil {
			return nil, 0, 0, fmt.Errorf("%s: %w", j.log(), err)
		}
		t, err := plan.ParseTick(payload)
		if err != nil {
			return nil, 0, 0, fmt.Errorf("%s: %w", j.log(), err)
		}
		if _, known := recorded[t.Number]; known {
			repeats++
		} else if t.Number < last {
			falls++
		}
		recorded[t.Number], last = t, t.Number
	}
	return recorded, falls, repeats, nil
}

// fillGaps takes the ticks that were not recorded from the pages, and merges the
// two into the stream that goes on: raw_tick_events.log. It tells whether that is
// the market as it was planned.
func (j *journey) fillGaps(ctx context.Context, recorded map[int]plan.Tick) (same bool, err error) {
	var came, late, whole []byte
	for i := range j.plan.Events {
		whole = j.plan.Tick(i).Append(whole)
		if t, ok := recorded[i]; ok {
			came = t.Append(came)
		} else if t, ok := j.pages[i]; ok {
			late = t.Append(late)
		}
	}
	a, b := j.path("record", "recorded.jsonl"), j.path("record", "missing.jsonl")
	if err := errors.Join(os.WriteFile(a, came, 0o666), os.WriteFile(b, late, 0o666)); err != nil {
		return false, err
	}
	out := j.events()
	if _, err := logs.Merge(ctx, logs.Config{Files: []string{a, b}, By: "event_id", Out: out, Format: "jsonl"}); err != nil {
		return false, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return false, err
	}
	for line := range bytes.Lines(text) {
		t, err := plan.ParseTick(line)
		if err != nil {
			return false, err
		}
		j.ticks = append(j.ticks, t)
	}
	return bytes.Equal(text, whole), nil
}

func (j *journey) events() string { return j.path("incident", "raw_tick_events.log") }
