package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// goKernel builds the GoNB kernel and goimports (it asks for gopls too, only to
// complete what one types) from their
// modules, and tells Jupyter of it.
func goKernel(t *testing.T) (env []string) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	run := func(args ...string) {
		c := exec.Command(args[0], args[1:]...)
		c.Dir, c.Env = dir, append(os.Environ(), "GOBIN="+bin)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("go", "mod", "init", "kernel")
	run("go", "get", "github.com/janpfeifer/gonb@v0.11.3", "golang.org/x/tools/cmd/goimports@v0.51.0")
	run("go", "install", "github.com/janpfeifer/gonb", "golang.org/x/tools/cmd/goimports")
	caches, err := exec.Command("go", "env", "GOPATH", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	env = append(os.Environ(), "HOME="+dir, "PATH="+bin+":/usr/bin:"+os.Getenv("PATH"))
	for i, name := range []string{"GOPATH=", "GOMODCACHE=", "GOCACHE="} {
		env = append(env, name+string(lines(caches)[i]))
	}
	c := exec.Command(filepath.Join(bin, "gonb"), "--install", "--force_deps")
	c.Env = env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("gonb --install: %v\n%s", err, out)
	}
	return env
}

func lines(b []byte) (list [][]byte) {
	start := 0
	for i, c := range b {
		if c == '\n' {
			list = append(list, b[start:i])
			start = i + 1
		}
	}
	return list
}

// The notebook in Go runs under GoNB and prints what it already shows.
func TestGoNotebookExecutes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Jupyter kernel; the long tests run it")
	}
	t.Parallel()
	env := goKernel(t)
	dir := filepath.Join(t.TempDir(), "incident")
	command(t, "lab", "incident", "--preset", "mixed", "--seed", "2", "--events", "2000", "--out", dir, "--interventions=false")
	command(t, "audit", dir, "--notebook-kernel", "gonb")
	file, out := filepath.Join(dir, "audit", "timeline_visualization.ipynb"), filepath.Join(t.TempDir(), "executed.ipynb")
	c := exec.Command("jupyter-nbconvert", "--execute", "--to", "notebook", "--ExecutePreprocessor.timeout=600", "--output", out, file)
	c.Env = env
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("jupyter-nbconvert: %v\n%s", err, text)
	}
	want, got := readNotebook(t, file), readNotebook(t, out)
	if a, b := want.printed(), got.printed(); !slices.Equal(a, b) {
		t.Errorf("prints\n%q, shows\n%q", b, a)
	}
}
