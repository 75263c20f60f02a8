package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// A full disk is answered with the flags that the verb has, and no others.
func TestHintNamesFlagsOfTheVerb(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]string{
		"audit":      "write f: no space left on device: free some space, or choose another place with --out and --tmp",
		"dedupe":     "write f: no space left on device: free some space, or choose another place with --tmp",
		"engine":     "write f: no space left on device: free some space, or choose another place with --dir",
		"record":     "write f: no space left on device: free some space, or choose another place with --state-dir and --log",
		"merge logs": "write f: no space left on device: free some space, or choose another place with --temp",
		"guard":      "write f: no space left on device: free some space, or choose another place",
		"demo":       "write f: no space left on device: free some space, or choose another place",
	} {
		cmd, _, err := newRoot(Env{}).Find(strings.Fields(verb))
		if err != nil {
			t.Fatal(err)
		}
		if got := oneLine(cmd, fmt.Errorf("write f: %w", syscall.ENOSPC)); got != want {
			t.Errorf("%s: %s, want %s", verb, got, want)
		}
	}
}
