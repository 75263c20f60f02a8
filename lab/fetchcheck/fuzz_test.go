package fetchcheck_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"holdfast/lab/fetchcheck"
	"holdfast/lab/flakyhttp/ledger"
)

// FuzzCheck: any bytes are a log, a summary and a ledger, or an error of input;
// the report counts right, and is the same again.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"timestamp":"2026-01-15T10:30:00.123Z","event":"success","url":"http://x/delay/1?_id=0","status":200,"latency_ms":1012.5}`), []byte(`{"total_urls":1}`), []byte("{}"))
	f.Add([]byte("{\"timestamp\":1,\"event\":\"retry\",\"url\":\"x\"}\n\xff\n[]\n{"), []byte("null"), []byte(""))
	f.Fuzz(func(t *testing.T, log, summary, server []byte) {
		check := func() (fetchcheck.Report, error) {
			entries, bad, err := ledger.Read(bytes.NewReader(server))
			if err != nil {
				t.Fatal(err)
			}
			return fetchcheck.Check(provider(42, 1), fetchcheck.Input{
				Log: bytes.NewReader(log), Summary: bytes.NewReader(summary), Ledger: entries, LedgerBad: bad, HasLedger: true,
			}, fetchcheck.Defaults())
		}
		r, err := check()
		var input *fetchcheck.InputError
		if err != nil && !asInput(err, &input) {
			t.Fatal(err)
		}
		if r.Passed+r.Failed != r.Total || r.Extra.Records > r.Extra.Lines {
			t.Fatalf("%+v", r)
		}
		again, _ := check()
		a, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := json.Marshal(again); !bytes.Equal(a, b) {
			t.Fatalf("not the same again:\n%s\n%s", a, b)
		}
	})
}
