package cli

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMergeLogsKilled kills the real program with SIGKILL at random times: OUT
// is absent or complete, and what is left beside it is named as temporary.
func TestMergeLogsKilled(t *testing.T) {
	t.Parallel()
	dir, in := t.TempDir(), t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	args := []string{"merge", "logs", "--by", "1", "-o", out, "--dedupe", "2", "--memory", "1MiB", "--temp", dir}
	var want bytes.Buffer
	texts := make([]strings.Builder, 3)
	for i := range 30_000 {
		line := fmt.Sprintf("%08d %d\n", i, i%29_000)
		texts[i%3].WriteString(line)
		if i < 29_000 {
			want.WriteString(line)
		}
	}
	for i := range texts {
		path := filepath.Join(in, fmt.Sprint(i))
		if err := os.WriteFile(path, []byte(texts[i].String()), 0o666); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	kills, ends := 0, 0
	for patience := 20 * time.Millisecond; ends < 3; patience += patience / 10 { // so that a busy machine gets to the end too
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.Int64N(int64(patience))))
		c := exec.CommandContext(ctx, program, args...)
		c.Args[0] = "holdfast"
		words, err := c.CombinedOutput()
		killed := ctx.Err() != nil
		cancel()
		if err != nil && !killed {
			t.Fatalf("%v: %s", err, words)
		}
		got, absent := os.ReadFile(out)
		switch {
		case absent == nil && !bytes.Equal(got, want.Bytes()):
			t.Fatalf("after %d kills there is an output of %d bytes, want %d", kills, len(got), want.Len())
		case err == nil && absent != nil:
			t.Fatal("it ended well and there is no output")
		}
		if err == nil {
			ends++
		} else {
			kills++
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			if e.Name() != "out" && !strings.HasPrefix(e.Name(), ".holdfast-") {
				t.Fatalf("%s is left behind", e.Name())
			}
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	if kills == 0 {
		t.Fatal("it was never killed: the test has lost its aim")
	}
}
