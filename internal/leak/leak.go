// Package leak finds goroutines of a package that outlive its tests.
//
// It promises to look at those only that run code of the package itself: what a
// library or an embedded server leaves behind is another's. Call [Main] as
//
//	func TestMain(m *testing.M) { os.Exit(leak.Main(m, "holdfast/engine/sink")) }
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines get that are about to end.
const patience = 5 * time.Second

// Main runs the tests, and fails if goroutines of the package are left.
func Main(m *testing.M, pkg string) int {
	status := m.Run()
	if status != 0 {
		return status // a test that failed may have left anything
	}
	left := Wait(pkg, patience)
	for _, stack := range left {
		fmt.Fprintf(os.Stderr, "left behind: %s\n\n", stack)
	}
	return min(len(left), 1)
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
		if strings.Contains(s, "\n"+pkg+".") {
			found = append(found, s)
		}
	}
	return found
}
