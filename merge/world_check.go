package merge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// wrong tells what is wrong with a world as it stands.
func (w *world) wrong() string {
	if !strings.HasPrefix(w.want, w.output) {
		return fmt.Sprintf("output %q is not the beginning of %q", w.output, w.want)
	}
	for i, p := range w.workers {
		if len(p.sent) > int(p.saved.Stats.MessagesSent) {
			return fmt.Sprintf("worker %d sent %d messages and knows of %d", i, len(p.sent), p.saved.Stats.MessagesSent)
		}
		if w.memo != nil && (len(p.sent) > len(w.logs[i]) || !slices.EqualFunc(p.sent, w.logs[i][:len(p.sent)], sameMessage)) {
			return fmt.Sprintf("worker %d sent other messages than in turns: %v, not %v", i, p.sent, w.logs[i])
		}
	}
	moving := false
	for _, m := range w.moves() {
		moving = moving || m.kind != crashMove
	}
	if moving {
		return ""
	}
	a, b := &w.workers[0], &w.workers[1]
	if len(w.shared) > 0 {
		return w.wrongRefusal(a.core.Err(), b.core.Err())
	}
	switch {
	case a.core.Err() != nil || b.core.Err() != nil:
		return fmt.Sprintf("failed: %v, %v", a.core.Err(), b.core.Err())
	case !a.done || !b.done:
		return "both wait"
	case w.output != w.want:
		return fmt.Sprintf("output %q is not %q", w.output, w.want)
	}
	for i, p := range w.workers {
		if len(p.sent) < len(w.logs[i]) {
			return fmt.Sprintf("worker %d sent %d messages, %d in turns", i, len(p.sent), len(w.logs[i]))
		}
	}
	return ""
}

// wrongRefusal tells what is wrong with the end of a run that had to fail. With
// range ownership each worker names the smallest shared value of its range.
func (w *world) wrongRefusal(errs ...error) string {
	found := false
	for i, err := range errs {
		var d *DuplicateError
		if !w.workers[i].done {
			return "waits for a worker that failed"
		}
		if errors.As(err, &d) && (d.Value == w.shared[0] || w.c.Balance == Touch && slices.Contains(w.shared, d.Value)) {
			found = true
		} else if err != nil {
			return fmt.Sprintf("failed with %v, and not because of %d", err, w.shared[0])
		}
	}
	if !found {
		return fmt.Sprintf("%d is in both lists, and nobody says so", w.shared[0])
	}
	return ""
}
