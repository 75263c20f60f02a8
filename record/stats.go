package record

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// nothing is the statistics of a process that did nothing in a session.
func nothing(total seq.Stats) seq.Stats {
	s := seq.Stats{Gaps: total.Gaps, Extra: make(map[string]int64, len(total.Extra))}
	for name := range total.Extra {
		s.Extra[name] = 0
	}
	for _, name := range []string{"gap_runs", "max_held"} {
		s.Extra[name] = total.Extra[name]
	}
	return s
}

// writeStats writes the file beside the log.
func writeStats(disk vfs.FS, path string, s Stats) error {
	out, err := vfs.Create(disk, path)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := EncodeStats(out, s); err != nil {
		return err
	}
	return out.Commit()
}

// EncodeStats writes statistics as one JSON object on a line.
func EncodeStats(w io.Writer, s Stats) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return err
	}
	return b.Flush()
}

// maxStats bounds a statistics file.
const maxStats = 1 << 20

// ReadStats reads the statistics of a log. The error is fs.ErrNotExist if there
// are none, and an [InputError] if they are not what a recorder writes.
func ReadStats(disk vfs.FS, log string) (Stats, error) {
	f, err := disk.OpenFile(StatsPath(log), os.O_RDONLY, 0)
	if err != nil {
		return Stats{}, err
	}
	defer f.Close()
	var s Stats
	if err := json.NewDecoder(io.LimitReader(f, maxStats)).Decode(&s); err != nil {
		return Stats{}, &InputError{Path: StatsPath(log), Err: fmt.Errorf("not the statistics of a log: %w", err)}
	}
	return s, nil
}

// SessionStats makes the statistics of a session from its journal alone, also
// while it goes on. The error is fs.ErrNotExist if there is no journal.
func SessionStats(disk vfs.Disk, stateDir, session string) (Stats, error) {
	state, log, packets, err := replay(disk, JournalDir(stateDir, session), session)
	if err != nil {
		return Stats{}, err
	}
	total, err := state.Stats(seq.Config{JournalOff: !packets && state.Counts[seq.Packets] > 0})
	if err != nil {
		return Stats{}, err
	}
	s := Stats{Stats: nothing(total), Total: total, Session: session, Log: log, Complete: state.Completed}
	s.Restarts = int64(state.Counts[seq.Starts]) - 1
	return s, nil
}

// Replay gives the state of a session from its journal alone, and the name of
// its log.
func Replay(disk vfs.Disk, dir, session string) (state seq.State, log string, err error) {
	state, log, _, err = replay(disk, dir, session)
	return state, log, err
}

// replay also says whether there are packets in the journal: the classic
// logger has none.
func replay(disk vfs.Disk, dir, session string) (state seq.State, log string, packets bool, err error) {
	r, err := journal.NewReader(disk, dir, session)
	if err != nil {
		return state, "", false, describe(err)
	}
	defer r.Close()
	var failed error
	first := true
	state, err = seq.Replay(seq.Config{First: seq.FirstOfStream}, func(yield func(seq.Frame) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				failed = err
				return
			}
			if first && e.LSN > 1 { // frame 1 is lost: a recorder has written it again since
				if s, err := sessionFrame(disk, dir, session); err == nil {
					yield(s)
				}
			}
			first = false
			switch e.Frame.Type {
			case seq.FrameSession:
				log = e.Frame.Session.Log
			case seq.FramePacket:
				packets = true
			}
			if !yield(*e.Frame) {
				return
			}
		}
	})
	if err != nil {
		return state, log, packets, &InputError{Path: dir, Err: err}
	}
	return state, log, packets, failed
}

// sessionFrame looks for a frame 1 anywhere in a journal; io.EOF if there is none.
func sessionFrame(disk vfs.Disk, dir, session string) (seq.Frame, error) {
	r, err := journal.NewReader(disk, dir, session)
	if err != nil {
		return seq.Frame{}, err
	}
	defer r.Close()
	for {
		e, err := r.Next()
		if err != nil {
			return seq.Frame{}, err
		}
		if e.Frame.Type == seq.FrameSession {
			return *e.Frame, nil
		}
	}
}
