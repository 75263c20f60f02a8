package dedupe

import (
	"bytes"
	"testing"

	"holdfast/replay/ingest"
)

// What the fast way accepts, the careful way accepts with the same values, and
// a line that both take ends in the same place.
func FuzzLine(f *testing.F) {
	for _, line := range []string{
		"TCS,2025-07-14T09:15:00.005Z,1305.75", "A,2025-07-14T09:15:00Z,0", "INFY,2025-07-14t09:15:59.123456789Z,-0.000000001",
		"NULL,2025-07-14T09:15:00Z,1", " A,2025-07-14T09:15:00,999999999.999999999", "A,2025-07-14T09:15:60Z,1", "A,2025-02-29T09:15:00Z,1",
		"Ä,2025-07-14T09:15:00Z,1", "A\x00,2025-07-14T09:15:00Z,1", "LONGSYMBOLS,2025-07-14T09:15:00.Z,1.", "-,2262-01-01T00:00:00Z,1", "#,1,2,3",
		"A,2025-07-14T09:15:00+,1", "A,2025-07-14T09:15:00+05:30,1",
	} {
		f.Add([]byte(line))
	}
	format, err := newFormat(ingest.Header{
		Names: []string{"symbol", "timestamp", "price"}, Columns: []int{0, 1, 2}, Delimiter: ',',
	}, ingest.Options{}, defaultKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\"\r\n") {
			return // no plain line
		}
		for _, end := range []string{"\n", "\r\n"} {
			buffer := append(append(bytes.Clone(line), end...), bytes.Repeat([]byte{'7'}, slack)...)
			fast := newLineParser(format)
			next, ok := fast.parse(buffer, 0)
			if !ok {
				continue
			}
			if next != len(line)+len(end) {
				t.Fatalf("%q: the next line begins at %d", line, next)
			}
			careful, err := newCareful(format)
			if err != nil {
				t.Fatal(err)
			}
			fields, reason, hint := careful.line(line, true, 1)
			if reason != "" || !careful.isRecord(line) {
				t.Fatalf("%q: the careful way says %s: %s", line, reason, hint)
			}
			a, b := format.appendKey(nil, &fast.fields), format.appendKey(nil, fields)
			if !bytes.Equal(a, b) || fast.fields.price != fields.price || !bytes.Equal(fast.fields.timeText, fields.timeText) {
				t.Fatalf("%q: %x, %v and %x, %v", line, a, fast.fields.price, b, fields.price)
			}
			if fast.notes != careful.notes {
				t.Fatalf("%q: notes %v and %v", line, fast.notes.named(), careful.notes.named())
			}
		}
	})
}
