package record

// A Publisher passes on what stands in the log. Both methods return at once, so
// that publishing never keeps a recorder waiting.
type Publisher interface {
	// Wrote tells that the log has whole lines up to byte end, and how many:
	// once when the log is locked and repaired, and each time it has grown. What
	// they hold is as durable as the journal makes it.
	Wrote(end, lines uint64)
	// Lag is how many lines are not known to be published, and whether it is this
	// recorder that publishes.
	Lag() (lines uint64, active bool)
}

// publish lets a publisher know of the log from now on.
func (w *lineWriter) publish(p Publisher, lines uint64) {
	if p == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.publisher, w.count = p, lines
	p.Wrote(w.end, lines)
}

// grown tells the publisher of n more lines. w.mu is held.
func (w *lineWriter) grown(n int) {
	if w.publisher != nil {
		w.count += uint64(n)
		w.publisher.Wrote(w.end, w.count)
	}
}
