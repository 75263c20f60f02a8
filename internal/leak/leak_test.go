package leak

import (
	"strings"
	"testing"
	"time"
)

func TestWait(t *testing.T) {
	started, stop := make(chan struct{}), make(chan struct{})
	go waitFor(started, stop)
	<-started
	if left := Wait("holdfast/internal/leak", 50*time.Millisecond); len(left) != 1 || !strings.Contains(left[0], "waitFor") {
		t.Errorf("%q", left)
	}
	close(stop)
	if left := Wait("holdfast/internal/leak", time.Minute); len(left) != 0 {
		t.Errorf("%q", left)
	}
	if left := Wait("holdfast/nothing", 0); len(left) != 0 {
		t.Errorf("%q", left)
	}
}

func waitFor(started, stop chan struct{}) {
	close(started)
	<-stop
}
