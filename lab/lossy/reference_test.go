package lossy_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
)

// TestReference compares with what the reference made of eleven seeds, of any
// sign and size, under seven settings.
func TestReference(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 78 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		disk := vfs.NewCrash(1, 1)
		if err := disk.MkdirAll("/s", 0o777); err != nil {
			t.Fatal(err)
		}
		c := lossy.Config{StateDir: "/s", FS: disk, Seed: new(big.Int)}
		if _, err := fmt.Sscan(strings.Join(row[:6], " "), c.Seed, &c.TotalPackets, &c.ReorderWindow, &c.DuplicateProb, &c.LossProb, &c.CorruptionProb); err != nil {
			t.Fatal(row, err)
		}
		s := open(t, c)
		file, err := disk.OpenFile(fmt.Sprintf("/s/.ms_%v_packets.json", c.Seed), os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(file)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := lossy.Trace(context.Background(), s, &out); err != nil {
			t.Fatal(row, err)
		}
		if packets, deliveries := digest(text), digest(out.Bytes()); packets != row[6] || deliveries != row[7] {
			t.Errorf("%v: file %s, deliveries %s", row, packets, deliveries)
		}
	}
}
