package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// A Trial is one session of a faulty source, recorded in memory from start to
// start until it is over.
type Trial struct {
	Policy seq.Config
	// Open opens the source on disk, whose folder /state it may use, for one
	// process. Died is the error with which it ends that process.
	Open func(disk vfs.Disk) (Source, error)
	Died error
}

// An Outcome is what a trial came to.
type Outcome struct {
	Score Score
	Stats Stats
}

// maxTrialStarts ends trials of sources that never come to an end.
const maxTrialStarts = 100_000

// Try runs a trial and scores its log.
func Try(ctx context.Context, t Trial, truth Truth) (Outcome, error) {
	disk := vfs.NewCrash(1, 1)
	for _, dir := range []string{"/state", "/log"} {
		if err := disk.MkdirAll(dir, 0o777); err != nil {
			return Outcome{}, err
		}
	}
	c := Config{
		Session: "trial", StateDir: "/state", Policy: t.Policy, Disk: disk,
		Journal: journal.Config{Level: journal.None, SegmentBytes: 64 << 10},
	}
	const log = "/log/events.log"
	for range maxTrialStarts {
		src, err := t.Open(disk)
		if err != nil {
			return Outcome{}, err
		}
		l, err := NewLogger(src, log, c)
		if err != nil {
			return Outcome{}, err
		}
		stats, err := l.Run(ctx)
		disk.Kill()
		if errors.Is(err, t.Died) {
			continue
		}
		if err != nil {
			return Outcome{}, err
		}
		f, err := disk.OpenFile(log, os.O_RDONLY, 0)
		if err != nil {
			return Outcome{}, err
		}
		text, err := io.ReadAll(f)
		if err != nil {
			return Outcome{}, err
		}
		score, err := ScoreLog(bytes.NewReader(text), truth)
		score.Spent(stats)
		return Outcome{score, stats}, err
	}
	return Outcome{}, errors.New("the source does not come to an end")
}
