package lossy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/lab/lossy"
	"holdfast/record/seq"
)

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// config is the requirement's, changed by edit, with a folder of its own.
func config(t *testing.T, seed int64, edit func(*lossy.Config)) lossy.Config {
	t.Helper()
	c := lossy.Default(seed)
	c.StateDir = t.TempDir()
	if edit != nil {
		edit(&c)
	}
	return c
}

func open(t *testing.T, c lossy.Config) *lossy.Source {
	t.Helper()
	s, err := lossy.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func receive(t *testing.T, s *lossy.Source) seq.Delivery {
	t.Helper()
	d, err := s.Receive(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func request(t *testing.T, s *lossy.Source, sequences ...uint64) {
	t.Helper()
	for _, q := range sequences {
		if err := s.RequestRetransmit(q, 1); err != nil {
			t.Fatal(err)
		}
	}
}

func steady(c *lossy.Config) { c.TerminationProb = 0 }

// TestPacketsFile: section 8, lab digests. The files are those of the reference.
func TestPacketsFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seed int64
		edit func(*lossy.Config)
		want string
		size int
	}{
		{42, nil, "e825e6dc084257d90d5b450b4ee7c7a034c9f8db1555a01aad9e995ebc366328", 188150},
		{42, func(c *lossy.Config) { c.TotalPackets = 100 }, "cb6b54d4de9688f6b3222076a26bbf9cce3c7f28457b609fea9d8d65d14434e3", 0},
		{42, func(c *lossy.Config) { c.TotalPackets = 500 }, "7db2cdc98c949f28a5167243db38ccea2cc22193d4c0a4c5739f1390f9ac0e34", 0},
		{7, func(c *lossy.Config) { c.ReorderWindow = 50 }, "248dc7490c0476bed75ed1d4c3183e1b5135b1824b1869ebdf7ddb15d56994e6", 0},
		{-42, func(c *lossy.Config) { c.TotalPackets = 100 }, "72660c98b6dff012f87db1be961336118ac23142688a64789325dce160e94853", 0},
		{5, func(c *lossy.Config) { c.TotalPackets, c.ReorderWindow, c.DuplicateProb = 200, 0, 0 }, "8fbc5f61c071d3957a896975e85944a2f9e4fb84950435cf5d538774b2e9fe44", 0},
	} {
		cfg := config(t, c.seed, c.edit)
		open(t, cfg)
		name := func(what string) string { return filepath.Join(cfg.StateDir, fmt.Sprintf(".ms_%d_%s", c.seed, what)) }
		text, err := os.ReadFile(name("packets.json"))
		if err != nil {
			t.Fatal(err)
		}
		if got := digest(text); got != c.want || c.size > 0 && len(text) != c.size {
			t.Errorf("seed %d: %s, %d bytes; want %s", c.seed, got, len(text), c.want)
		}
		for file, want := range map[string]string{"position.txt": "0", "retransmit.json": "[]"} {
			if got, err := os.ReadFile(name(file)); err != nil || string(got) != want {
				t.Errorf("seed %d: %s holds %q (%v), want %q", c.seed, file, got, err, want)
			}
		}
		if entries, err := os.ReadDir(cfg.StateDir); err != nil || len(entries) != 3 {
			t.Errorf("seed %d: %d files (%v), want 3", c.seed, len(entries), err)
		}
	}
}

func TestQueueBegins(t *testing.T) {
	t.Parallel()
	s, err := lossy.Generate(lossy.Default(42))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range s.Queue[:6] {
		got = append(got, fmt.Sprint(i.Priority, i.Packet.Sequence, i.Corrupted, i.Packet.Valid(), i.Delivered().Valid()))
	}
	want := []string{"1 0 true true false", "5 2 false true true", "6 4 false true true", "7 6 false true true", "9 1 false true true", "9 7 false true true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(s.Queue) != 1020 || s.Deliverable() != 977 || len(s.Sequences) != 1000 {
		t.Errorf("%d deliveries of %d sequences out of %d; want 1020 of 977 out of 1000", len(s.Queue), s.Deliverable(), len(s.Sequences))
	}
}

// TestEmit: the lines are the items of the reference's packets file, as its
// json module spells them.
func TestEmit(t *testing.T) {
	t.Parallel()
	s, err := lossy.Generate(lossy.Default(42))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Emit(&out); err != nil {
		t.Fatal(err)
	}
	if got, want := digest(out.Bytes()), "6df2cc552651d178cece9add68b3deb5436c00428a3c71ca87638222873dba4d"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if err := s.Emit(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// TestUsage: rule L6.
func TestUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*lossy.Config)
		want string
	}{
		"loss":        {func(c *lossy.Config) { c.LossProb = 1.5 }, "--loss-prob must be between 0 and 1, not 1.5"},
		"duplicate":   {func(c *lossy.Config) { c.DuplicateProb = -.1 }, "--duplicate-prob must be between 0 and 1, not -0.1"},
		"corruption":  {func(c *lossy.Config) { c.CorruptionProb = math.NaN() }, "--corruption-prob must be between 0 and 1, not NaN"},
		"termination": {func(c *lossy.Config) { c.TerminationProb = 2 }, "--termination-prob must be between 0 and 1, not 2"},
		"window":      {func(c *lossy.Config) { c.ReorderWindow = -1 }, "--reorder-window must be between 0 and 1073741823, not -1"},
		"packets":     {func(c *lossy.Config) { c.TotalPackets = -1 }, "--packets must be between 0 and 100000000, not -1"},
		"seed":        {func(c *lossy.Config) { c.Seed = new(big.Int).Lsh(big.NewInt(1), 999) }, "--seed has more than 200 digits: take a shorter one"},
		"window 0":    {func(c *lossy.Config) { c.ReorderWindow = 0 }, "duplicates need --reorder-window of at least 1"},
	} {
		cfg := config(t, 42, c.edit)
		cfg.StateDir = filepath.Join(cfg.StateDir, "new")
		_, err := lossy.New(cfg)
		var usage *lossy.UsageError
		if !errors.As(err, &usage) || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if files, _ := os.ReadDir(cfg.StateDir); len(files) != 0 {
			t.Errorf("%s: it left %d files", name, len(files))
		}
	}
}

// TestWindowZero: only the duplicate that fires fails.
func TestWindowZero(t *testing.T) {
	t.Parallel()
	c := lossy.Default(42)
	c.ReorderWindow, c.TotalPackets = 0, 5
	if _, err := lossy.Generate(c); err != nil {
		t.Error(err)
	}
	c.TotalPackets, c.DuplicateProb = 1000, 0
	s, err := lossy.Generate(c)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(s.Queue); i++ {
		if s.Queue[i-1].Packet.Sequence >= s.Queue[i].Packet.Sequence {
			t.Fatalf("delivery %d is out of order", i)
		}
	}
}

func TestNoSeedIsZero(t *testing.T) {
	t.Parallel()
	c := lossy.Default(0)
	zero, _ := lossy.Generate(c)
	c.Seed = nil
	none, err := lossy.Generate(c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(zero.Queue, none.Queue); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkGenerate(b *testing.B) {
	c := lossy.Default(42)
	c.TotalPackets = 100_000
	for b.Loop() {
		if _, err := lossy.Generate(c); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.TotalPackets), "ns/packet")
}
