// Package machine says what a benchmark ran on, for the head of its RESULTS.md.
//
// It promises nothing off Linux but that it says "unknown". Start with Describe.
package machine

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// Describe is the cores, the processor, the system and Go's version.
func Describe() string {
	return fmt.Sprintf("%d cores, %s, %s/%s, %s", runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return "unknown processor"
}

// Load is how many processes wanted to run in the last minute: above the number
// of cores the figures say more about the others than about the contestants.
func Load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) > 0 {
		return f[0]
	}
	return "unknown"
}

// Busy reports whether half a core or more does other work, or nobody knows.
func Busy() bool {
	var l float64
	_, err := fmt.Sscan(Load(), &l)
	return err != nil || l > 0.5*float64(runtime.NumCPU())
}

// Flags is the command line without the program, with a space before it.
func Flags() string {
	if len(os.Args) < 2 {
		return ""
	}
	return " " + strings.Join(os.Args[1:], " ")
}
