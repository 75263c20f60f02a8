package seq

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	b := newBucket(1000)
	takes := func(now time.Duration, want int) {
		t.Helper()
		n := 0
		for b.take(now) {
			n++
		}
		if n != want {
			t.Errorf("at %v: %d requests, want %d", now, n, want)
		}
	}
	takes(0, 64)
	takes(999*time.Microsecond, 0)
	if next := b.next(999 * time.Microsecond); next != time.Millisecond {
		t.Errorf("the next request at %v", next)
	}
	takes(time.Millisecond, 1)
	takes(11500*time.Microsecond, 10)
	takes(12*time.Millisecond, 1)
	takes(time.Hour, 64)
	b.set(1500)
	if b.thousandths() != 1500 {
		t.Errorf("%d thousandths", b.thousandths())
	}
	takes(time.Hour, 1)
	if free := newBucket(-1); !free.take(0) || !free.half(0) || free.thousandths() != burst*1000 {
		t.Error("a bucket without a rate holds something back")
	}
}
