package relay

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// Rows 62 and 63: 503 means many things, and only one of them is a duplicate.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, body string
		want         verdict
		seq          uint64
	}{
		{"", `{"stream":"S","seq":7}`, stored, 7},
		{"", `{"stream":"S","seq":7,"duplicate":true}`, known, 7},
		{"", `{"error":{"code":503,"err_code":10077,"description":"maximum messages per subject exceeded"},"stream":"S","seq":0}`, occupied, 0},
		{"", `{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0}`, unknown, 0},
		{"", `{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"S","seq":0}`, unknown, 0},
		{"", `{"error":{"code":503,"err_code":10077,"description":"no space left on device"},"stream":"S","seq":0}`, unknown, 0},
		{"", `{"error":{"code":503,"err_code":10023,"description":"insufficient resources"}}`, unknown, 0},
		{"", `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`, unknown, 0},
		{"", `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 12"},"stream":"S","seq":0}`, occupied, 0},
		{"", `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 0"},"stream":"S","seq":0}`, unknown, 0},
		{"", `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence"},"stream":"S","seq":0}`, unknown, 0},
		{"", `{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"S","seq":0}`, unknown, 0},
		{"", `{"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}}`, unknown, 0},
		{"", `{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}`, tooLarge, 0},
		{"503", ``, unknown, 0},
		{"408", ``, unknown, 0},
		{"", ``, unknown, 0},
		{"", `{}`, unknown, 0},
		{"", `{"stream":"S","seq":0}`, unknown, 0},
		{"", `{"seq":7}`, unknown, 0},
		{"", `[`, unknown, 0},
	} {
		h := nats.Header{}
		if c.status != "" {
			h.Set("Status", c.status)
		}
		got, seq, problem := judge(h, []byte(c.body))
		if got != c.want || seq != c.seq || (got == unknown && !strings.Contains(c.body, "10164")) != (problem != nil) {
			t.Errorf("%s %s: %v, %d, %v", c.status, c.body, got, seq, problem)
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("", []byte(`{"stream":"S","seq":7,"duplicate":true}`))
	f.Add("503", []byte(nil))
	f.Fuzz(func(t *testing.T, status string, body []byte) {
		v, seq, problem := judge(nats.Header{"Status": {status}}, body)
		if v != unknown && (status != "" || problem != nil) || (v == stored || v == known) && seq == 0 {
			t.Errorf("%q %q: %v, %d, %v", status, body, v, seq, problem)
		}
	})
}

func TestTicket(t *testing.T) {
	t.Parallel()
	in, ok := readTicket("_INBOX.x." + ticket(1<<63, 12, 2))
	if !ok || in.ID != 1<<63 || in.Try != 12 || in.Why != 2 {
		t.Errorf("%+v, %v", in, ok)
	}
	for _, s := range []string{"", "a.b", "_INBOX.x.1.2.x", "_INBOX.x.-1.2.0"} {
		if in, ok := readTicket(s); ok {
			t.Errorf("%q: %+v", s, in)
		}
	}
}
