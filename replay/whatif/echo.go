package whatif

import (
	"time"

	"holdfast/replay"
	"holdfast/replay/tick"
)

// SourceWindow is how long a source that does not repeat itself remembers what
// it said (source-dedupe).
const SourceWindow = 20 * time.Millisecond

// echo finds events that repeat the symbol and price of one that the source
// emitted shortly before: those that source-dedupe refuses, whether they are
// repetitions or not.
type echo struct{ recent map[string][]replay.Event }

// heard reports that e says what the source said within the window. Events come
// in the order of their times.
func (h *echo) heard(e *replay.Event) bool {
	if h.recent == nil {
		h.recent = map[string][]replay.Event{}
	}
	list := h.recent[e.Symbol]
	for len(list) > 0 && e.Time-list[0].Time > tick.Nanos(SourceWindow) {
		list = list[1:]
	}
	for i := range list {
		if list[i].Price == e.Price {
			h.recent[e.Symbol] = list
			return true
		}
	}
	h.recent[e.Symbol] = append(list, *e)
	return false
}
