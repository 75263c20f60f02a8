package incident

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/engine/incident/plan"
	"holdfast/replay/tick"
)

// What processes leave behind, in a folder a race, one write a line, so that a kill can cost a line
// and never half of one:
//
//	worker-1.log   claim,evt_0000412,2,TIME      an attempt begins; 2: second delivery
//	               finish,evt_0000412,2,TIME     it has written (or the sink has refused)
//	               acked,evt_0000412,2,TIME      the queue knows
//	rows.log       TCS,2025-07-14T09:15:00.004000Z,1518.3,evt_0000412,2,worker-1,TIME
//
// TIME is in nanoseconds, of the market's clock. The first three fields of
// rows.log are the output; the others say who wrote it, for the truth.
const rowsLog = "rows.log"

func workerName(w int) string { return fmt.Sprintf("worker-%d", w+1) }

// A clock tells the market's time: the machine's, shifted.
type clock struct{ shift time.Duration }

func (c clock) now() tick.Nanos { return tick.Nanos(time.Now().Add(-c.shift).UnixNano()) }

// workerLog is a worker's log. Its lines are in the order of their times.
type workerLog struct {
	clock clock
	mu    sync.Mutex
	f     *os.File
	err   error
}

func openLog(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
}

// longestLine is more than any line of a log has.
const longestLine = 1 << 10

// cutTorn takes out what a kill has left of a line at the end. Nobody else may
// write meanwhile.
func cutTorn(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	tail := make([]byte, min(size, longestLine))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	if torn := len(tail) - len(whole(tail)); torn > 0 {
		return f.Truncate(size - int64(torn))
	}
	return nil
}

// whole is text without a line at its end that a kill has cut.
func whole(text []byte) []byte { return text[:bytes.LastIndexByte(text, '\n')+1] }

func (l *workerLog) add(what string, id string, delivery uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := fmt.Fprintf(l.f, "%s,%s,%d,%d\n", what, id, delivery, l.clock.now()); err != nil && l.err == nil {
		l.err = err
	}
}

func (l *workerLog) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// An Attempt is one worker's work on one delivery of an event.
type Attempt struct {
	Event    int
	Delivery int // 1 is the first; those between may have reached nobody
	Worker   string
	Start    tick.Nanos
	End      tick.Nanos // 0: it was killed before
	Acked    tick.Nanos // 0: never
}

// Open reports an attempt without an end.
func (a *Attempt) Open() bool { return a.End == 0 }

// A Row is a record of the output, with the attempt that wrote it.
type Row struct {
	Symbol   string
	Time     string
	Price    string
	Event    int
	Delivery int
	Worker   string
	Commit   tick.Nanos
}

// readAttempts folds the records of a worker into attempts, by start.
func readAttempts(dir string, w int) ([]Attempt, error) {
	path := filepath.Join(dir, workerName(w)+".log")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	type key struct{ event, delivery int }
	var list []Attempt
	at := map[key]int{}
	for line := range bytes.Lines(whole(text)) {
		f := strings.Split(strings.TrimSuffix(string(line), "\n"), ",")
		var k key
		var when int64
		if len(f) == 4 {
			k.event, err = plan.ParseID(f[1])
			if err == nil {
				k.delivery, err = strconv.Atoi(f[2])
			}
			if err == nil {
				when, err = strconv.ParseInt(f[3], 10, 64)
			}
		}
		if len(f) != 4 || err != nil {
			return nil, fmt.Errorf("%s: %q is no record of a worker", path, line)
		}
		i, known := at[k]
		switch {
		case f[0] == "claim" && !known:
			at[k] = len(list)
			list = append(list, Attempt{Event: k.event, Delivery: k.delivery, Worker: workerName(w), Start: tick.Nanos(when)})
		case f[0] == "finish" && known:
			list[i].End = tick.Nanos(when)
		case f[0] == "acked" && known:
			list[i].Acked = tick.Nanos(when)
		default:
			return nil, fmt.Errorf("%s: %q does not follow from what is before it", path, line)
		}
	}
	return list, nil
}

// appendRow is a line of rows.log.
func appendRow(b []byte, t plan.Tick, delivery uint64, worker string, at tick.Nanos) []byte {
	b = append(append(b, t.Symbol...), ',')
	b = append(plan.AppendTime(b, t.Time), ',')
	b = append(plan.AppendPrice(b, t.Price), ',')
	return fmt.Appendf(b, "%s,%d,%s,%d\n", t.ID(), delivery, worker, at)
}

// parseRows reads rows.log, in order.
func parseRows(text []byte) ([]Row, error) {
	var list []Row
	for line := range bytes.Lines(whole(text)) {
		f := strings.Split(strings.TrimSuffix(string(line), "\n"), ",")
		if len(f) != 7 {
			return nil, fmt.Errorf("row %d: %q has not seven fields", len(list)+1, line)
		}
		r := Row{Symbol: f[0], Time: f[1], Price: f[2], Worker: f[5]}
		var err error
		if r.Event, err = plan.ParseID(f[3]); err == nil {
			r.Delivery, err = strconv.Atoi(f[4])
		}
		var commit int64
		if err == nil {
			commit, err = strconv.ParseInt(f[6], 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", len(list)+1, err)
		}
		r.Commit = tick.Nanos(commit)
		list = append(list, r)
	}
	return list, nil
}
