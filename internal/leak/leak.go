// Package leak finds goroutines that outlive a package's tests.
//
// It promises to look at those only that run code of the packages that it is
// given, by their full paths: what others leave behind is not told. Call [Main] as
//
//	func TestMain(m *testing.M) { os.Exit(leak.Main(m, "holdfast/engine/sink")) }
package leak

import (
	"fmt"
	"os"
	"path"
	"runtime"
	"strings"
	"time"
)

// patience is how long goroutines get that are about to end.
const patience = 5 * time.Second

// Main runs the tests, and fails if goroutines of a package are left.
func Main(m interface{ Run() int }, pkgs ...string) int {
	status := m.Run()
	if status != 0 {
		return status // a test that failed may have left anything
	}
	for _, pkg := range pkgs {
		for _, stack := range Wait(pkg, patience) {
			fmt.Fprintf(os.Stderr, "left behind: %s\n\n", stack)
			status = 1
		}
	}
	return status
}

// Wait gives the stacks of the goroutines that run code of a package, as soon as
// there are none or the time is over. The caller's own does not count.
func Wait(pkg string, most time.Duration) (left []string) {
	for end := time.Now().Add(most); ; time.Sleep(10 * time.Millisecond) {
		if left = running(pkg); len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

func running(pkg string) (found []string) {
	dir, name := path.Split(pkg)
	frame := "\n" + dir + strings.ReplaceAll(name, ".", "%2e") + "." // as the linker spells it
	all := make([]byte, 1<<20)
	for n := runtime.Stack(all, true); ; n = runtime.Stack(all, true) {
		if n < len(all) {
			all = all[:n]
			break
		}
		all = make([]byte, 2*len(all))
	}
	stacks := strings.Split(strings.TrimSpace(string(all)), "\n\n")
	for _, s := range stacks[1:] { // the first is ours
		if strings.Contains(s, frame) {
			found = append(found, s)
		}
	}
	return found
}
