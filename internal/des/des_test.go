package des_test

import (
	"slices"
	"testing"
	"time"

	"holdfast/internal/des"

	"pgregory.net/rapid"
)

// twin is the same queue, by sorting a list before every take.
type twin struct {
	now  time.Duration
	list []promise
}

type promise struct {
	at time.Duration
	v  int
}

func (w *twin) next() (int, bool) {
	if len(w.list) == 0 {
		return 0, false
	}
	slices.SortStableFunc(w.list, func(a, b promise) int { return int(a.at - b.at) })
	p := w.list[0]
	w.list = w.list[1:]
	w.now = p.at
	return p.v, true
}

func TestQueueAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q des.Queue[int]
		var w twin
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				after := time.Duration(rapid.IntRange(0, 4).Draw(t, "after"))
				q.After(after, next)
				w.list = append(w.list, promise{w.now + after, next})
				next++
			},
			"take": func(t *rapid.T) {
				got, ok := q.Next()
				want, wantOK := w.next()
				if got != want || ok != wantOK {
					t.Fatalf("took %d, %t; want %d, %t", got, ok, want, wantOK)
				}
			},
			"": func(t *rapid.T) {
				if q.Now() != w.now || q.Len() != len(w.list) {
					t.Fatalf("at %v with %d left; want %v with %d", q.Now(), q.Len(), w.now, len(w.list))
				}
			},
		})
	})
}

func TestQueueThePastPanics(t *testing.T) {
	var q des.Queue[string]
	q.At(2, "later")
	q.Next()
	q.At(2, "now is not past")
	defer func() {
		const want = "des: at 2ns, something was put in for 1ns"
		if got := recover(); got != want {
			t.Errorf("panic %v, want %v", got, want)
		}
	}()
	q.At(1, "earlier")
}
