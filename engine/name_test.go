package engine

import (
	"strings"
	"testing"
)

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "A-z_09": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a.b": false, "a b": false, "a*": false, "ü": false, "a\n": false, "a/b": false, ">": false,
	} {
		if got := IsName(name, 64); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
