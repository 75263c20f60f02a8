package lossy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"holdfast/lab/lossy"
)

// TestInterop: section 8, interop. The reference was stopped after a number of
// receives with requests pending, and started again without terminations. Each
// digest is of its deliveries until then, its files, and its deliveries after
// the new start. It was the same when either half of the run was left to this
// package.
func TestInterop(t *testing.T) {
	t.Parallel()
	for _, g := range []golden{
		{"0", 200, 10, 0.05, 0.02, 0.03, 0.005, 5, "db5cdc8555642bf6a064171ed580222fc5474c87b996d476821f1f9a7f61fa7f"},
		{"0", 150, 50, 0.2, 0.1, 0.2, 0.0, 37, "aade4007e46d24daf9b546bba9469f947fb3feb45eecfb866ace8eb3e422872d"},
		{"1", 200, 10, 0.05, 0.02, 0.03, 0.005, 90, "2b47af8377dbf34d00c60e648a1bf3d1c4a7e9bc48c64c4959b361ec508fc6c5"},
		{"1", 120, 1, 0.5, 0.3, 0.4, 0.02, 11, "e079d6d37df194570955a633e47d3e33af21efc1ea5f64e7f7035439c67ed4a9"},
		{"7", 150, 50, 0.2, 0.1, 0.2, 0.0, 120, "02c396a9963f15c9ed0dee108162763765b36f35881d3532a4665f9ab7c0c40e"},
		{"7", 120, 1, 0.5, 0.3, 0.4, 0.02, 1, "81377ae925b021d69d3daa0a15d7ca594925ebf32ddece6a63d3f2ab7548dd07"},
		{"42", 200, 10, 0.05, 0.02, 0.03, 0.005, 40, "456194991dc0d641272df010c51123265906a10acbb46d75fbc5e492ea837a53"},
		{"42", 150, 50, 0.2, 0.1, 0.2, 0.0, 0, "d9b78434e9928531fbc24cb2c09d19a658503fbd702667040276bb3ff8573bba"},
		{"42", 120, 1, 0.5, 0.3, 0.4, 0.02, 60, "6e4862723b331e647eda134061e33c3f2ffcef6c46d131b8ffbd296d94cfffa5"},
		{"-42", 200, 10, 0.05, 0.02, 0.03, 0.005, 40, "fb39188d7634a2236d54450d843b47105546169e5becdc5b06b133661d195f56"},
		{"4294967299", 200, 10, 0.05, 0.02, 0.03, 0.005, 150, "d3f01bd94cfc2bb58cad64f35a91646aa0f2db225bb7321a0cf155fe2b021aa7"},
		{"4294967299", 150, 50, 0.2, 0.1, 0.2, 0.0, 99, "ca5eba00ef9be4c83f8a0f9c0ca8dedfa0bcca8d4ab8ab6f9190612156d329e7"},
		{"1000000000000000000000000000000", 200, 10, 0.05, 0.02, 0.03, 0.005, 20, "f51251232738613f526dee0881f08be74ca8d5f55d4a0ea787190a37e823fb02"},
		{"12345", 150, 50, 0.2, 0.1, 0.2, 0.0, 160, "774985a0ce9511762f2f67dcffd19dd3f39b0949cd589aaf00d561c07ba619bf"},
		{"99", 200, 10, 0.05, 0.02, 0.03, 0.005, 190, "392e13cb8c1eca32edc623df08064d8f6cdc6ccd1521be1172a765ea2a17e278"},
		{"99", 120, 1, 0.5, 0.3, 0.4, 0.02, 30, "aca4ccaea80640562f407c4c9a8fbccf5c49474bad941d05c4ae2e356815cc61"},
		{"2024", 150, 50, 0.2, 0.1, 0.2, 0.0, 64, "de0f011943d3a7c644e260831bd4464998953c2668fb529fc1cbf6d316b05939"},
		{"2024", 200, 10, 0.05, 0.02, 0.03, 0.005, 250, "53b4017d10674baaa73b8b9a94e91fb94cf8eb4073c3a66b548e3f284d62e858"},
		{"5", 100, 0, 0.0, 0.02, 0.03, 0.0, 50, "6568c15c65e747e41c34d30348da582007757e5a0e2b6d7ec1959a46df78d454"},
		{"3", 1, 10, 0.05, 0.0, 0.03, 0.0, 1, "29488ff0f5d219eb3deeeb05c26a6f2ca5ae450696c7feb76704dfe079069efb"},
		{"3", 0, 10, 0.05, 0.02, 0.03, 0.0, 0, "54e1f7723419cbdbc17e6a95d40ba99dd5bb418801bee7556446209a806cde06"},
		{"8", 60, 10, 0.05, 1.0, 0.03, 0.0, 0, "4c68b7e4934f695b2f854e5e8697ed934513726371ccb5db6484c9fc52bc86b8"},
	} {
		t.Run(fmt.Sprintf("seed %s after %d", g.seed, g.receives), func(t *testing.T) {
			t.Parallel()
			if got := g.run(t); got != g.want {
				t.Errorf("%s, want %s", got, g.want)
			}
		})
	}
}

type golden struct {
	seed                                     string
	packets, window                          int
	duplicate, loss, corruption, termination float64
	receives                                 int // in the first process
	want                                     string
}

func (g golden) run(t *testing.T) string {
	c := config(t, 0, func(c *lossy.Config) {
		c.Seed, _ = new(big.Int).SetString(g.seed, 10)
		c.TotalPackets, c.ReorderWindow = g.packets, g.window
		c.DuplicateProb, c.LossProb, c.CorruptionProb, c.TerminationProb = g.duplicate, g.loss, g.corruption, g.termination
	})
	h := sha256.New()
	s := open(t, c)
	if stalk(t, s, g.receives, h) {
		request(t, s, 5, 17, 100000, 5, 3)
	}
	files, err := os.ReadDir(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(c.StateDir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s\n%s\n", f.Name(), text)
	}
	c.TerminationProb = 0
	if stalk(t, open(t, c), 1<<30, h) {
		t.Error("no end")
	}
	if files, _ := os.ReadDir(c.StateDir); len(files) != 0 {
		t.Errorf("%d files left at the end", len(files))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// stalk receives n deliveries, writes them down, and asks for damaged, lost and
// known ones. It says whether the source goes on.
func stalk(t *testing.T, s *lossy.Source, n int, h hash.Hash) bool {
	t.Helper()
	for i := range n {
		d, err := s.Receive(context.Background())
		switch {
		case err == io.EOF:
			fmt.Fprintln(h, "END")
			return false
		case errors.Is(err, lossy.ErrTerminated):
			return false
		case err != nil:
			t.Fatal(err)
		}
		fmt.Fprintln(h, d.Sequence, d.Checksum, d.Valid, s.Position())
		if !d.Valid {
			request(t, s, d.Sequence)
		}
		if i%7 == 3 {
			request(t, s, d.Sequence+3)
		}
		if i%11 == 5 {
			request(t, s, d.Sequence, d.Sequence)
		}
	}
	return true
}

// TestTrace compares with what the reference delivers when it is asked for all
// that comes damaged.
func TestTrace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		seed int64
		edit func(*lossy.Config)
		want string
	}{
		{42, steady, "d3b18e14f0bf19e456d86b660e4a44923a7104845d7da39b6628e5bc258c39aa"},
		{7, func(c *lossy.Config) { steady(c); c.ReorderWindow = 50 }, "cc08411c6743503e8237ca5cc22c2b773b4875cb6f99ddf525d340a1ec950e7f"},
		{-42, func(c *lossy.Config) { steady(c); c.TotalPackets = 100 }, "7e6f824c8809ad57ea46445701339a2048e4776eba2b19573f59b83d2df7c855"},
		{1, func(c *lossy.Config) { steady(c); c.CorruptionProb = .3 }, "cde1369dde131646643e554772f05ca7899ced5076e70cfcb4001a33ed0118eb"},
	} {
		var out bytes.Buffer
		if err := lossy.Trace(context.Background(), open(t, config(t, c.seed, c.edit)), &out); err != nil {
			t.Fatal(err)
		}
		if got := digest(out.Bytes()); got != c.want {
			t.Errorf("seed %d: %s, want %s", c.seed, got, c.want)
		}
	}
}

func TestTraceOfATerminationKeepsWhatCame(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := lossy.Trace(context.Background(), open(t, config(t, 42, nil)), &out)
	if !errors.Is(err, lossy.ErrTerminated) || bytes.Count(out.Bytes(), []byte("\n")) == 0 {
		t.Errorf("%v after %d bytes", err, out.Len())
	}
}
