// Command check is the project's whole test: formatting, vet, staticcheck, all
// tests, and the race detector where goroutines meet. CI runs this and nothing
// else.
//
//	go run ./internal/check          everything (about ten minutes on two cores)
//	go run ./internal/check -short   without the race detector and the long tests
//	go run ./internal/check -soak 20 only the tests of crashes, kills and faults, 20 times as long
//
// What the tests need beyond Go (see needs) is installed from Debian's packages
// when it is missing and this process may do so; otherwise check says what is
// missing, and the tests that need it fail.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/internal/soak"
)

// A need is a program (or a file) that tests need, and the Debian package that has it.
type need struct{ program, pkg, why string }

var needs = []need{
	{"python3", "python3", "deduplicate_stream.py is compared with dedupe byte by byte"},
	{"chromium", "chromium", "report.html is tested in a real browser"},
	{"jupyter-nbconvert", "jupyter-nbconvert", "timeline_visualization.ipynb is executed"},
	{"/usr/share/jupyter/kernels/python3/kernel.json", "python3-ipykernel", "the notebook's kernel"},
	{"/usr/lib/python3/dist-packages/matplotlib/__init__.py", "python3-matplotlib", "the notebook is executed with it and without"},
}

// raced are the packages in which goroutines share memory.
var raced = [][]string{
	{"./replay/dedupe/...", "./internal/extsort/...", "./record", "./record/journal/..."},
}

// racedLong are those for which a normal run has no time; a soak has.
var racedLong = [][]string{
	{"./fetch", "./engine/sink", "./engine/queue", "./merge/logs", "./merge/runner"},
	{"-run", "Record|Script/record", "./internal/cli"},
}

// soaked are the tests that go on for as long as they are let.
var soaked = []string{"-run", "Crash|Kill|Killed|Seed|Power|Recovery|Random|Model|Soak|Job|Simul|Publish|Rate|Band|Explore|Predictions|FailuresLeave|Twin|Agrees", "./record/...", "./merge/...", "./guard", "./engine/...", "./replay/audit", "./replay/dedupe", "./replay/match", "./replay/whatif", "./lab/lossy", "./internal/cli"}

func main() {
	short := flag.Bool("short", false, "leave out the race detector and the long tests")
	rounds := flag.Int("soak", 0, "run only the tests that go on for as long as they are let, this many times as long")
	flag.Parse()
	install()
	if *rounds > 0 {
		os.Setenv(soak.Env, strconv.Itoa(*rounds))
		held := run(append([]string{"go", "test", "-timeout", "0"}, soaked...))
		os.Unsetenv(soak.Env)
		for _, r := range racedLong {
			held = run(append([]string{"go", "test", "-race", "-short", "-timeout", "0"}, r...)) && held
		}
		if !held {
			os.Exit(1)
		}
		return
	}

	steps := [][]string{
		{"go", "vet", "./..."},
		{"go", "tool", "staticcheck", "./..."},
	}
	// Vet has had its say; and many tests wait for processes, engines and clocks
	// that run out, so that there is room for more of them than for CPUs.
	test := []string{"go", "test", "-vet=off", "-parallel", strconv.Itoa(max(4, runtime.NumCPU())), "-timeout", "20m"}
	if *short {
		steps = append(steps, append(test, "-short", "./..."))
	} else {
		steps = append(steps, append(slices.Clone(test), "./..."))
		for _, r := range raced {
			steps = append(steps, append(append(slices.Clone(test), "-race", "-short"), r...))
		}
	}
	failed := !formatted()
	for _, s := range steps {
		failed = !run(s) || failed
	}
	if failed {
		fmt.Println("check: FAILED")
		os.Exit(1)
	}
	fmt.Println("check: passed")
}

func run(args []string) bool {
	fmt.Printf("check: %s\n", strings.Join(args, " "))
	start := time.Now()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Printf("check: %s: %v\n", strings.Join(args, " "), err)
		return false
	}
	fmt.Printf("check: done in %s\n", time.Since(start).Round(time.Second))
	return true
}

func formatted() bool {
	out, err := exec.Command("gofmt", "-l", ".").Output()
	if err != nil {
		fmt.Printf("check: gofmt: %v\n", err)
		return false
	}
	if len(bytes.TrimSpace(out)) > 0 {
		fmt.Printf("check: not formatted, run gofmt -w on:\n%s", out)
		return false
	}
	return true
}

// install gets what is missing, where that is possible, and says what it could not get.
func install() {
	for _, n := range needs {
		if _, err := exec.LookPath(n.program); err == nil || exists(n.program) {
			continue
		}
		fmt.Printf("check: %s is missing (%s): installing Debian's %s\n", n.program, n.why, n.pkg)
		if err := aptInstall(n.pkg); err != nil {
			fmt.Printf("check: could not install %s: %v; the tests that need it will fail: install it by hand\n", n.pkg, err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func aptInstall(pkg string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("not root")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return err
	}
	if out, err := exec.Command("apt-get", "update", "-q").CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get update: %w: %s", err, lastLine(out))
	}
	cmd := exec.Command("apt-get", "install", "-q", "-y", "--no-install-recommends", pkg)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get install: %w: %s", err, lastLine(out))
	}
	return nil
}

func lastLine(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[bytes.LastIndexByte(out, '\n')+1:]
}
