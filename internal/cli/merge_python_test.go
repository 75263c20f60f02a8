package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/merge"
)

// TestMergePython runs the requirement's class by turns: a process a step, with
// the workers kept and with new ones for each step.
func TestMergePython(t *testing.T) {
	t.Parallel()
	program := asHoldfast(t)
	for _, mode := range []string{"", "anew"} {
		dir := t.TempDir()
		a, b := quadratic(7919, 13, 40), quadratic(104729, 7, 20)
		for name, list := range map[string][]int32{"a.json": a, "b.json": b} {
			text, err := json.Marshal(list)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), text, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		args := strings.Fields("testdata/coordinate.py ../../examples " + filepath.Join(dir, "a.json") + " " + filepath.Join(dir, "b.json") + " " + dir + " " + mode)
		c := exec.Command("python3", args...)
		c.Env = append(os.Environ(), "HOLDFAST="+program, "PYTHONDONTWRITEBYTECODE=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got struct {
			merge.Result
			Phases []string
			Sorted bool
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got.Messages, got.Balance = 0, 0
		want := got
		want.Result = merge.Result{Success: true, TotalSteps: 5,
			StatsA: merge.Stats{Comparisons: 28, MessagesSent: 1, MessagesReceived: 2, ValuesOutput: 59},
			StatsB: merge.Stats{Comparisons: 28, MessagesSent: 2, MessagesReceived: 1, ValuesOutput: 1}}
		want.Phases, want.Sorted = []string{"DONE", "DONE"}, true
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", mode, diff)
		}
		messages, err := os.ReadFile(filepath.Join(dir, "B_to_A.msg"))
		if err != nil || !strings.HasPrefix(string(messages), `{"msg_type":"DATA","values":[1134598152,478155210,198122687,`) {
			t.Errorf("%q: %v: %s", mode, err, messages)
		}
	}
}

// quadratic is f*i^2+c modulo 1000003, for n values of i.
func quadratic(f, c int64, n int64) []int32 {
	var list []int32
	for i := range n {
		list = append(list, int32((f*i*i+c)%1000003))
	}
	return list
}

// asHoldfast is a path of this program by which it is holdfast.
func asHoldfast(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "holdfast")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	return link
}
