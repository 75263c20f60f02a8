package flakyhttp

import (
	"strings"
	"testing"
)

// FuzzSequence: whatever stands in a path is a sequence or one line of error.
func FuzzSequence(f *testing.F) {
	for _, text := range []string{"a/200", "a/503;Retry-After=2,reset;when=body,200;body=x%2Cy", "a/truncate;length=5;bytes=3;chunked=1", "a/%zz", "a/200;=", "/"} {
		f.Add(text)
	}
	s := &Server{memory: newMemory()}
	f.Fuzz(func(t *testing.T, text string) {
		do, err := s.prepareSequence(text)
		if (do == nil) == (err == nil) {
			t.Fatalf("%v, %v", do, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
			t.Fatalf("more than one line: %q", err)
		}
	})
}
