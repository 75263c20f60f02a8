package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type notebookFile struct {
	Format int `json:"nbformat"`
	Minor  int `json:"nbformat_minor"`
	Cells  []struct {
		Type        string                       `json:"cell_type"`
		ID          string                       `json:"id"`
		Source      []string                     `json:"source"`
		Attachments map[string]map[string]string `json:"attachments"`
		Outputs     []struct {
			Type string          `json:"output_type"`
			Text []string        `json:"text"`
			Data json.RawMessage `json:"data"`
		} `json:"outputs"`
	} `json:"cells"`
}

func readNotebook(t *testing.T, path string) (n notebookFile) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// printed is what the code cells print, one entry a cell.
func (n *notebookFile) printed() (list []string) {
	for _, c := range n.Cells {
		if c.Type != "code" {
			continue
		}
		text := ""
		for _, o := range c.Outputs {
			if o.Type == "stream" {
				text += strings.Join(o.Text, "")
			}
		}
		list = append(list, text)
	}
	return list
}

// R103: the notebook runs, with matplotlib and without, prints what it already
// shows, and draws.
func TestNotebookExecutes(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(reportOf(t, "mixed", 4000))
	file := filepath.Join(dir, "timeline_visualization.ipynb")
	want := readNotebook(t, file)
	for _, matplotlib := range []bool{true, false} {
		out := filepath.Join(t.TempDir(), "executed.ipynb")
		c := exec.Command("jupyter-nbconvert", "--execute", "--to", "notebook", "--output", out, file)
		c.Env = append(os.Environ(), "PATH=/usr/bin:"+os.Getenv("PATH"), "PYDEVD_DISABLE_FILE_VALIDATION=1")
		if !matplotlib { // a package of that name that cannot be imported stands in the way
			shadow := t.TempDir()
			if err := os.WriteFile(filepath.Join(shadow, "matplotlib.py"), []byte("raise ImportError('not here')\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			c.Env = append(c.Env, "PYTHONPATH="+shadow)
		}
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("jupyter-nbconvert (Debian's jupyter-nbconvert, python3-ipykernel): %v\n%s", err, text)
		}
		got := readNotebook(t, out)
		if a, b := want.printed(), got.printed(); !slices.Equal(a, b) {
			t.Errorf("matplotlib %t: prints\n%q, shows\n%q", matplotlib, b, a)
		}
		drawn, kind := 0, "image/svg+xml"
		if matplotlib {
			kind = "image/png"
		}
		for _, c := range got.Cells {
			for _, o := range c.Outputs {
				if strings.Contains(string(o.Data), kind) {
					drawn++
				}
			}
		}
		if drawn < 2 {
			t.Errorf("matplotlib %t: %d charts as %s", matplotlib, drawn, kind)
		}
	}
}

var (
	figure  = regexp.MustCompile(`[0-9][0-9,]*(\.[0-9]+)?`)
	picture = regexp.MustCompile(`!\[[^\]]{20,}\]\(attachment:([^)]+)\)`)
)

// Every figure of the commentary is one of findings.json; the stories of single
// events, the tables of times and the code apart.
func TestNotebookFiguresAreFindings(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"mixed", "clean", "dmr2025"} {
		dir := filepath.Dir(reportOf(t, preset, 4000))
		n := readNotebook(t, filepath.Join(dir, "timeline_visualization.ipynb"))
		if n.Format != 4 || n.Minor != 5 {
			t.Errorf("nbformat %d.%d", n.Format, n.Minor)
		}
		findings, err := os.ReadFile(filepath.Join(dir, "findings.json"))
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{"0": true, "1": true, "3": true} // "Python 3", and numbers of words
		for _, f := range figure.FindAllString(string(findings), -1) {
			known[strings.TrimRight(f, ",")] = true
		}
		ids := map[string]bool{}
		pictures := 0
		story := false
		for _, c := range n.Cells {
			if ids[c.ID] || c.ID == "" {
				t.Errorf("%s: cell id %q is not its own", preset, c.ID)
			}
			ids[c.ID] = true
			text := strings.Join(c.Source, "")
			for name := range maps.Keys(c.Attachments) {
				pictures++
				if m := picture.FindStringSubmatch(text); m == nil || m[1] != name {
					t.Errorf("%s: %s has no words for who cannot see it: %q", preset, name, text)
				}
			}
			story = strings.HasPrefix(text, "### ")
			if c.Type != "markdown" || story || strings.HasPrefix(text, "!") || strings.HasPrefix(text, "| from") {
				continue
			}
			for _, f := range figure.FindAllString(text, -1) {
				if f = strings.ReplaceAll(f, ",", ""); !known[f] && !strings.Contains(text, "| from") {
					t.Errorf("%s: %s is not in findings.json: %q", preset, f, text)
				}
			}
		}
		if pictures < 4 {
			t.Errorf("%s: %d pictures", preset, pictures)
		}
	}
}

// R104: bars of a thread never overlap, and every arrow has two ends.
func TestTrace(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(reportOf(t, "lease-short", 4000))
	text, err := os.ReadFile(filepath.Join(dir, "trace.json"))
	if err != nil {
		t.Fatal(err)
	}
	var trace struct {
		Events []struct {
			Phase    string      `json:"ph"`
			PID, TID int         //
			TS       json.Number `json:"ts"`
			Dur      json.Number `json:"dur"`
			ID       string      `json:"id"`
		} `json:"traceEvents"`
	}
	if err := json.Unmarshal(text, &trace); err != nil {
		t.Fatal(err)
	}
	nanos := func(n json.Number) (ns int64) {
		whole, fraction, _ := strings.Cut(string(n), ".")
		if _, err := fmt.Sscan(whole+(fraction + "000")[:3], &ns); err != nil {
			t.Fatal(err)
		}
		return ns
	}
	type bar struct{ from, to int64 }
	threads := map[[2]int][]bar{}
	flows := map[string]int{}
	kinds := map[string]int{}
	for _, e := range trace.Events {
		kinds[e.Phase]++
		switch e.Phase {
		case "X":
			from := nanos(e.TS)
			threads[[2]int{e.PID, e.TID}] = append(threads[[2]int{e.PID, e.TID}], bar{from, from + nanos(e.Dur)})
		case "s":
			flows[e.ID]++
		case "f":
			flows[e.ID]--
		}
	}
	for k, list := range threads {
		slices.SortFunc(list, func(a, b bar) int { return int(max(-1, min(1, a.from-b.from))) })
		for i := 1; i < len(list); i++ {
			if list[i].from < list[i-1].to {
				t.Fatalf("thread %v: a bar begins at %d before the one before ends at %d", k, list[i].from, list[i-1].to)
			}
		}
	}
	for id, n := range flows {
		if n != 0 {
			t.Errorf("flow %s has one end", id)
		}
	}
	for _, kind := range []string{"X", "M", "C", "i", "s"} {
		if kinds[kind] == 0 {
			t.Errorf("no event of kind %s", kind)
		}
	}
}
