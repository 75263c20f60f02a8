package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"holdfast/internal/soak"
	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
	"holdfast/record"
)

// TestRecordKilled kills the real program with SIGKILL at random times, again
// and again, until its session is over: coverage is the maximum, nothing stands
// twice, and few questions were asked.
func TestRecordKilled(t *testing.T) {
	t.Parallel()
	kills := 0
	for seed := int64(1); seed <= int64(soak.Rounds(1, 5)); seed++ {
		kills += killSession(t, seed)
	}
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("it was never killed: the test has lost its aim")
	}
}

// mostKills is after how many a session is left in peace: a machine that is
// too busy to get anywhere between two kills would go on for ever.
const mostKills = 40

func killSession(t *testing.T, seed int64) (kills int) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "events.log")
	level := []string{"none", "group", "interval", "always"}[seed%4]
	rng := rand.New(rand.NewPCG(uint64(seed), 9))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	atEnd := 0
	for {
		// Longer and longer, so that a busy machine gets to the end too.
		longest := 40*time.Millisecond + time.Duration(kills)*time.Millisecond
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond+time.Duration(rng.Int64N(int64(longest))))
		if kills >= mostKills {
			cancel()
			ctx, cancel = context.WithCancel(context.Background())
		}
		c := exec.CommandContext(ctx, program, "record", "--source", "lab", "--seed", fmt.Sprint(seed), "--packets", "600",
			"--state-dir", dir, "--log", log, "--durability", level, "--segment-bytes", "64KiB", "--max-stalls", "1000000", "--json")
		c.Args[0] = "holdfast"
		var out, stderr bytes.Buffer
		c.Stdout, c.Stderr = &out, &stderr
		err := c.Run()
		cancel()
		var exit *exec.ExitError
		switch {
		case err == nil:
			checkKilled(t, dir, log, seed, kills, atEnd)
			return kills
		case errors.As(err, &exit) && exit.ExitCode() < 0 || errors.Is(err, context.DeadlineExceeded):
			kills++
			if lastDelivery(dir, seed) {
				atEnd++
			}
		case !errors.As(err, &exit) || exit.ExitCode() != ExitNotHeld:
			t.Fatalf("seed %d: %v: %s", seed, err, stderr.String())
		}
	}
}

// lastDelivery reports whether the source stands at its end: what came last may
// have been in the hands of the process that was killed, and a source at its
// end answers one request at most.
func lastDelivery(dir string, seed int64) bool {
	text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf(".ms_%d_position.txt", seed)))
	c := lossy.Default(seed)
	c.TotalPackets = 600
	s, generated := lossy.Generate(c)
	return err == nil && generated == nil && string(text) == strconv.Itoa(len(s.Queue))
}

func checkKilled(t *testing.T, dir, log string, seed int64, kills, atEnd int) {
	t.Helper()
	a := &app{}
	var lab labFlags
	c := lossy.Default(seed)
	c.TotalPackets = 600
	lab.c, lab.dir = c, dir
	lab.seed.Int = c.Seed
	s, err := scoreLog(t.Context(), a, &lab, log, 0)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := lossy.Generate(c)
	if err != nil {
		t.Fatal(err)
	}
	if lost := int64(stream.Deliverable()) - s.Logged; lost > 0 && atEnd == 0 {
		t.Errorf("seed %d, %d kills: %d packets are missing that could be had", seed, kills, lost)
	}
	if s.DuplicatesInLog+s.Unknown+s.Malformed+s.Inversions != 0 {
		t.Errorf("seed %d, %d kills: %+v", seed, kills, s)
	}
	stats, err := record.ReadStats(vfs.OS{}, log)
	if err != nil {
		t.Fatal(err)
	}
	total := stats.Total
	if bound := int64(total.CorruptedPackets) + 4 + total.Extra["stall_probes"] + 4*int64(kills+int(stats.Restarts)); int64(total.RetransmitRequests) > bound {
		t.Errorf("seed %d, %d kills: %d requests, more than %d", seed, kills, total.RetransmitRequests, bound)
	}
	v, err := verifyLog(log, &sessionFlags{dir: dir})
	if err != nil || !v.Held() {
		t.Errorf("seed %d, %d kills: %+v, %v", seed, kills, v, err)
	}
}
