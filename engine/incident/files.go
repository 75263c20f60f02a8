package incident

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"holdfast/engine/incident/plan"
	"holdfast/internal/vfs"
)

// WriteFiles writes what an engineer would find, and the truth beside it, in
// the shapes of lab incidents:
//
//	worker-1.csv …      event_id,worker_id,start_time,end_time,status; by start
//	final_output.csv    symbol,timestamp,price
//	truth/rows.csv      row,event_id,attempt,duplicate,canonical,cause
//	truth/attempts.csv  event_id,attempt,worker_id,start,end,commit,fate
//	truth/lost.csv      event_id,reason
//	truth/params.json   preset and seed
//
// An attempt without an end is a timeout: that is all that anybody saw of it.
func (x *Result) WriteFiles(dir string, p plan.Plan, ticks []plan.Tick) error {
	if err := os.MkdirAll(filepath.Join(dir, "truth"), 0o777); err != nil {
		return err
	}
	set := vfs.NewSet(vfs.OS{})
	defer set.Abort()
	write := func(name string, fill func(io.Writer)) error {
		f, err := set.Create(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		fill(w)
		return w.Flush()
	}
	for w := range Workers {
		if err := write(WorkerFile(w), func(out io.Writer) { x.writeWorker(out, workerName(w)) }); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		fill func(io.Writer)
	}{
		{"final_output.csv", x.writeOutput},
		{"truth/rows.csv", x.writeRows},
		{"truth/attempts.csv", x.writeAttempts},
		{"truth/lost.csv", func(w io.Writer) { x.writeLost(w, ticks) }},
		{"truth/params.json", func(w io.Writer) {
			_ = json.NewEncoder(w).Encode(struct {
				Preset string `json:"preset"`
				plan.Plan
			}{"race", p})
		}},
	} {
		if err := write(f.name, f.fill); err != nil {
			return err
		}
	}
	return set.Commit()
}

// WorkerFile is the name of a worker's log as [Result.WriteFiles] writes it.
func WorkerFile(w int) string { return workerName(w) + ".csv" }

func (x *Result) writeWorker(w io.Writer, name string) {
	fmt.Fprintln(w, "event_id,worker_id,start_time,end_time,status")
	var b []byte
	for i := range x.Attempts {
		a := &x.Attempts[i]
		if a.Worker != name {
			continue
		}
		b = fmt.Appendf(b[:0], "%s,%s,", plan.ID(a.Event), a.Worker)
		b = append(plan.AppendTime(b, a.Start), ',')
		if a.Open() {
			b = append(b, ",timeout\n"...)
		} else {
			b = append(plan.AppendTime(b, a.End), ",success\n"...)
		}
		_, _ = w.Write(b)
	}
}

func (x *Result) writeOutput(w io.Writer) {
	fmt.Fprintln(w, "symbol,timestamp,price")
	for i := range x.Rows {
		r := &x.Rows[i]
		fmt.Fprintf(w, "%s,%s,%s\n", r.Symbol, r.Time, r.Price)
	}
}

// writeRows tells of each row which attempt wrote it. Canonical is the row of
// the earliest delivery: the first reads what the source says.
func (x *Result) writeRows(w io.Writer) {
	fmt.Fprintln(w, "row,event_id,attempt,duplicate,canonical,cause")
	own := map[int]int{}
	for i := range x.Rows {
		r := &x.Rows[i]
		if k, known := own[r.Event]; !known || r.Delivery < x.Rows[k].Delivery {
			own[r.Event] = i
		}
	}
	attempts := x.byEvent()
	for i := range x.Rows {
		r := &x.Rows[i]
		duplicate, why := 0, ""
		if own[r.Event] != i {
			duplicate, why = 1, cause(attempts[r.Event], r.Delivery)
		}
		fmt.Fprintf(w, "%d,%s,%d,%d,%d,%s\n", i+1, plan.ID(r.Event), place(attempts[r.Event], r.Delivery), duplicate, own[r.Event]+1, why)
	}
}

// place is the position of an attempt among those of its event, from 1.
func place(list []*Attempt, delivery int) int {
	for i, a := range list {
		if a.Delivery == delivery {
			return i + 1
		}
	}
	return 0
}

func (x *Result) writeAttempts(w io.Writer) {
	fmt.Fprintln(w, "event_id,attempt,worker_id,start,end,commit,fate")
	type key struct{ event, delivery int }
	commits := map[key]string{}
	for i := range x.Rows {
		r := &x.Rows[i]
		commits[key{r.Event, r.Delivery}] = r.Commit.String()
	}
	attempts := x.byEvent()
	for i := range x.Attempts {
		a := &x.Attempts[i]
		end, commit, fate := "", commits[key{a.Event, a.Delivery}], "emitted"
		if !a.Open() {
			end = a.End.String()
		}
		if commit == "" {
			fate = "none"
		}
		fmt.Fprintf(w, "%s,%s,%s,%s,%s,%s,%s\n", plan.ID(a.Event), strconv.Itoa(place(attempts[a.Event], a.Delivery)), a.Worker, a.Start, end, commit, fate)
	}
}

func (x *Result) writeLost(w io.Writer, ticks []plan.Tick) {
	fmt.Fprintln(w, "event_id,reason")
	rows := x.rowsOf()
	for _, t := range ticks {
		if rows[t.Number] == 0 {
			fmt.Fprintf(w, "%s,no row\n", t.ID())
		}
	}
}
