package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	"holdfast/record"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

type readCloser struct{ io.ReadSeeker }

func (readCloser) Close() error { return nil }

func jsonl(text string, requests io.Writer) *record.JSONL {
	return record.NewJSONL(record.JSONLConfig{
		Name:     "in.jsonl",
		Open:     func() (io.ReadCloser, error) { return readCloser{strings.NewReader(text)}, nil },
		Requests: requests,
	})
}

func events(t *testing.T, text string) (list []record.Event) {
	t.Helper()
	j := jsonl(text, nil)
	if err := j.Open(0, false); err != nil {
		t.Fatal(err)
	}
	for {
		e, err := j.Next(context.Background())
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		e.Delivery.Payload = bytes.Clone(e.Delivery.Payload)
		list = append(list, e)
	}
}

func packetLine(s uint64, extra string) string {
	p := fmt.Sprintf("p%d", s)
	return fmt.Sprintf(`{"sequence":%d,"timestamp":%d.5,"payload":"%x","checksum":%d%s}`+"\n", s, s, p, crc32.ChecksumIEEE([]byte(p)), extra)
}

// Section 6.2 by example.
func TestJSONLLines(t *testing.T) {
	t.Parallel()
	list := events(t, packetLine(18446744073709551614, "")+
		`{"priority": 9, "packet": {"sequence": 1, "timestamp": NaN, "payload": "", "checksum": 0}, "corrupted": true}`+"\n"+
		packetLine(2, `,"retransmit":true,"line":"B","at":1.5,"header":"untrusted","else":[1,{"a":"\u0041\""},null]`)+
		"\n"+`{"heartbeat":12,"line":"B"}`+"\n"+`{"end":13,"at":2}`+"\n"+`{"at":2.25}`+"\n")
	kinds := []record.EventKind{record.Arrived, record.Arrived, record.Arrived, record.Heartbeat, record.EndOfSession, record.Passed}
	if len(list) != len(kinds) {
		t.Fatalf("%d events: %+v", len(list), list)
	}
	for i, k := range kinds {
		if list[i].Kind != k {
			t.Errorf("event %d is of kind %d, want %d", i, list[i].Kind, k)
		}
	}
	if d := list[0].Delivery; d.Sequence != 1<<64-2 || !d.Valid || !d.HeaderTrusted || d.Origin != seq.Original {
		t.Errorf("a packet: %+v", d)
	}
	if d := list[1].Delivery; d.Valid || d.Timestamp == d.Timestamp || d.Checksum != 0xDEADBEEF {
		t.Errorf("a damaged queue item: %+v", d)
	}
	if d := list[2].Delivery; d.Origin != seq.Answer || d.Line != 1 || d.HeaderTrusted || list[2].At != 1500*time.Millisecond || string(d.Payload) != "p2" {
		t.Errorf("an answer: %+v", list[2])
	}
	if list[3].Next != 12 || list[3].Line != 1 || list[4].Line != 0 || list[3].At != 1500*time.Millisecond || list[4].Next != 13 || list[5].At != 2250*time.Millisecond {
		t.Errorf("marks: %+v", list[3:])
	}
}

// Section 7: what is no packet.
func TestJSONLRejects(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"nonsense", "{", `{"sequence":1}`, `[1]`, `{"sequence":1,"timestamp":0.5,"payload":"6869"}`,
		`{"sequence":-1,"timestamp":0,"payload":"","checksum":0}`, `{"sequence":1.0,"timestamp":0,"payload":"","checksum":0}`,
		`{"sequence":18446744073709551616,"timestamp":0,"payload":"","checksum":0}`,
		`{"sequence":1,"timestamp":"0","payload":"","checksum":0}`, `{"sequence":1,"timestamp":0,"payload":"abc","checksum":0}`,
		`{"sequence":1,"timestamp":0,"payload":"","checksum":4294967296}`, `{"sequence":1,"timestamp":0,"payload":"","checksum":0} x`,
		`{"sequence":1,"timestamp":0,"payload":"","checksum":0,"line":"C"}`, `{"sequence":1,"timestamp":0,"payload":"","checksum":0,"end":1}`,
		`{"at":-1}`, `{"at":NaN}`, `{"a":` + strings.Repeat("[", 100000), `{"sequence":1,"timestamp":0,"payload":"` + strings.Repeat("00", 1<<20+1) + `","checksum":0}`,
		strings.Repeat("x", 3<<20),
	} {
		list := events(t, packetLine(0, "")+line+"\n"+packetLine(1, ""))
		if len(list) != 3 || list[1].Kind != record.Rejected || list[2].Kind != record.Arrived {
			t.Errorf("%.60s: %d events", line, len(list))
		}
	}
	var input *record.InputError
	if err := jsonl("x\ny\n", nil).Open(0, false); !errors.As(err, &input) || input.Error() != "in.jsonl: none of its 2 lines is a packet" {
		t.Errorf("no packet at all: %v", err)
	}
}

// recordJSONL records a text in memory and gives the log.
func recordJSONL(t *testing.T, text string, policy seq.Config, level journal.Level) (*rig, record.Stats, string) {
	t.Helper()
	r := newRig(t, 0)
	r.c.Session, r.c.Policy, r.c.Disk, r.c.Journal.Level = "jsonl-in", policy, r.disk, level
	r.c.Policy.Drain = seq.NoDrain
	var asked bytes.Buffer
	l, err := record.NewLogger(jsonl(text, &asked), rigLog, r.c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r, s, asked.String()
}

// Time is that of the lines: what is due before a line happens before it.
func TestJSONLClock(t *testing.T) {
	t.Parallel()
	text := packetLine(0, `,"at":0`) + packetLine(2, `,"at":0.001`) + packetLine(3, `,"at":0.3`) +
		packetLine(1, `,"at":0.31,"retransmit":true`)
	r, s, asked := recordJSONL(t, text, seq.Config{Ask: seq.AskAll, PolicySeed: 1}, journal.Group)
	first, _, _ := strings.Cut(asked, "\n")
	if first != `{"first":1,"last":1,"cause":"loss","try":1,"at":0.011,"after":3}` {
		t.Errorf("asked: %s", asked)
	}
	if s.Total.RetransmitsReceived != 1 || s.Total.Inversions != 0 {
		t.Errorf("%+v", s.Total)
	}
	want := "0,0.5,7030,OK\n1,1.5,7031,RETRANSMIT\n2,2.5,7032,OK\n3,3.5,7033,OK\n"
	if got := string(r.read(rigLog)); got != want {
		t.Errorf("log:\n%swant\n%s", got, want)
	}
}

// Section 8, A/B, by lines of text: what either line brings is not asked for,
// what both have lost is, once; a line that falls silent is told of.
func TestJSONLTwoLines(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	const step, skew = 1000, 7500 // microseconds
	for at := uint64(0); at < 400*step+skew; at += step / 2 {
		for line, behind := range []uint64{0, skew} {
			s := (at - behind) / step
			lost := []bool{s%20 == 13, s%20 == 17 || s > 300}[line] || s == 200
			if at < behind || (at-behind)%step != 0 || s >= 400 || lost {
				continue
			}
			text.WriteString(packetLine(s, fmt.Sprintf(`,"line":"%c","at":%d.%06d`, 'A'+line, at/1e6, at%1e6)))
		}
	}
	text.WriteString(packetLine(200, `,"retransmit":true,"at":0.5`))
	r, s, asked := recordJSONL(t, text.String(), seq.Config{Ask: seq.AskAll, PolicySeed: 1}, journal.None)
	var lost []uint64 // by A, when B was silent
	for n := uint64(301); n < 400; n++ {
		if n%20 == 13 {
			lost = append(lost, n)
		}
	}
	total := s.Total
	if total.PacketsWritten != 400-uint64(len(lost)) || total.Inversions != 0 || total.Gaps != uint64(len(lost)) || total.RetransmitsReceived != 1 {
		t.Errorf("%+v", total)
	}
	first, rest, _ := strings.Cut(asked, "\n")
	if !strings.HasPrefix(first, `{"first":200,"last":200,"cause":"loss","try":1,`) || strings.Count(asked, `"try":1,`) != 1+len(lost) {
		t.Errorf("asked:\n%s\n%s", first, rest)
	}
	if want := "line B is silent from sequence 301 on: what it does not bring is taken from the other"; fmt.Sprint(r.warns) != "["+want+"]" {
		t.Errorf("warnings %q", r.warns)
	}
}

// Every level gives the same log, with the goroutine that syncs and without.
func TestJSONLLevels(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range uint64(5000) {
		text.WriteString(packetLine(i^3, ""))
	}
	var want []byte
	for _, level := range []journal.Level{journal.None, journal.Interval, journal.Group, journal.Always} {
		r, s, _ := recordJSONL(t, text.String(), seq.Config{Ask: seq.AskNever, Window: 4}, level)
		got := r.read(rigLog)
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) || s.Total.PacketsWritten != 5000 || s.Total.Inversions != 0 {
			t.Errorf("%v: %+v", level, s.Total)
		}
		r.verified(level.String())
	}
}

func FuzzJSONL(f *testing.F) {
	f.Add(packetLine(1, ""))
	f.Add(`{"priority":1,"packet":{"sequence":1,"timestamp":1e999,"payload":"00","checksum":3523407757},"corrupted":false}`)
	f.Add(`{"heartbeat":1,"at":0.5}` + "\n" + `{"end":2}`)
	f.Fuzz(func(t *testing.T, text string) {
		j := jsonl(packetLine(0, "")+text, nil)
		if err := j.Open(0, false); err != nil {
			t.Fatal(err)
		}
		for range strings.Count(text, "\n") + 3 {
			e, err := j.Next(context.Background())
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == record.Arrived && e.Delivery.Valid != e.Delivery.Packet.Valid() {
				t.Fatalf("%+v", e)
			}
		}
		t.Fatal("more events than lines")
	})
}

// A cancelling is where requests go; the first one cancels.
type cancelling struct {
	bytes.Buffer
	cancel func()
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return c.Buffer.Write(p)
}

// A source that keeps the recorder waiting neither stops its clock nor its end.
func TestJSONLWaits(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := cancelling{cancel: cancel}
	src := record.NewJSONL(record.JSONLConfig{Name: "pipe", Open: func() (io.ReadCloser, error) { return in, nil }, Requests: &asked})
	r := newRig(t, 0)
	r.c.Session, r.c.Disk, r.c.RealClock = "jsonl-pipe", r.disk, true
	go io.WriteString(out, packetLine(0, "")+packetLine(2, ""))
	l, err := record.NewLogger(src, rigLog, r.c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Run(ctx); err != record.ErrInterrupted {
		t.Errorf("run: %v", err)
	}
	if !strings.HasPrefix(asked.String(), `{"first":1,"last":1,"cause":"loss","try":1,`) {
		t.Errorf("asked: %s", asked.String())
	}
	if got := string(r.read(rigLog)); got != "0,0.5,7030,OK\n" { // order is not forced
		t.Errorf("log: %s", got)
	}
}
