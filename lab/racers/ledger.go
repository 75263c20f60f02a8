package racers

// ledger is where the log writers stand: it brings facts into the order of
// their files, numbers the rows, and says of each which one it repeats. It
// holds back only what cannot be told yet.
type ledger struct {
	emit    func(Fact) bool
	ordered bool // rows and attempts stand where their event stood in the source
	stopped bool // emit wants no more
	totals  Totals

	inOrder []*event // ordered: emitted, and not yet told
	pending []*slot  // rows that have their place but may still change
}

// slot is a row with a place in the output.
type slot struct {
	event *event
	row   Row
	open  bool // its values may still be replaced, until the event is over
}

func (l *ledger) tell(f Fact) {
	if !l.stopped {
		l.stopped = !l.emit(f)
	}
}

func (l *ledger) event(v Event, e *event) {
	l.totals.Events++
	l.tell(Fact{Kind: EventFact, Event: v})
	if l.ordered {
		l.inOrder = append(l.inOrder, e)
	}
}

func (l *ledger) attempt(e *event, a Attempt) {
	if l.ordered {
		e.log = append(e.log, a)
		return
	}
	l.tellAttempt(a)
}

func (l *ledger) tellAttempt(a Attempt) {
	l.totals.Attempts++
	l.tell(Fact{Kind: AttemptFact, Attempt: a})
}

// row takes a new row of e; open says that it may still be replaced.
func (l *ledger) row(e *event, row Row, open bool) {
	s := &slot{e, row, open}
	if l.ordered || open {
		e.slots = append(e.slots, s)
	}
	if !l.ordered {
		l.place(s)
	}
}

// replace gives the only row of e other values.
func (l *ledger) replace(e *event, row Row) {
	row.N = e.slots[0].row.N
	e.slots[0].row = row
}

// place numbers a row. The first row of an event is the one to keep.
func (l *ledger) place(s *slot) {
	l.totals.Rows++
	s.row.N = l.totals.Rows
	if s.event.row == 0 {
		s.event.row = s.row.N
	}
	if len(l.pending) == 0 && s.final() {
		l.tellRow(s)
		return
	}
	l.pending = append(l.pending, s)
}

// flush tells the rows that are final, up to the first that is not.
func (l *ledger) flush() {
	for len(l.pending) > 0 && l.pending[0].final() {
		s := l.pending[0]
		l.pending[0] = nil
		l.pending = l.pending[1:]
		l.tellRow(s)
	}
}

// final says that neither the row's values nor what it repeats can change.
func (s *slot) final() bool {
	first := s.event.first
	return (!s.open || s.event.over) && (first == nil || first.row != 0 || first.over)
}

func (l *ledger) tellRow(s *slot) {
	row, e := s.row, s.event
	switch {
	case row.N != e.row:
		row.Duplicate, row.Canonical = true, e.row
	case e.first != nil && e.first.row != 0:
		row.Duplicate, row.Canonical, row.Cause = true, e.first.row, causeSecondID
	default:
		row.Canonical, row.Cause = row.N, ""
	}
	if row.Duplicate {
		l.totals.Duplicates++
	}
	l.tell(Fact{Kind: RowFact, Row: row})
}

// lose takes an event that is over and has no row.
func (l *ledger) lose(e *event) {
	reason := lostAllFailed
	switch {
	case e.successes > 0:
		reason = lostDespiteSuccess
	case e.attempts == 0:
		reason = lostNeverAttempted
	}
	l.totals.Lost++
	l.tell(Fact{Kind: LossFact, Loss: Loss{e.number, reason}})
}

// over is called when nothing can happen to e any more.
func (l *ledger) over(*event) {
	for len(l.inOrder) > 0 && l.inOrder[0].over {
		e := l.inOrder[0]
		l.inOrder[0] = nil
		l.inOrder = l.inOrder[1:]
		for _, a := range e.log {
			l.tellAttempt(a)
		}
		for _, s := range e.slots {
			l.place(s)
		}
	}
	l.flush()
}
