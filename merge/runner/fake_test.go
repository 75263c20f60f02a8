package runner

import (
	"slices"
	"strconv"

	"holdfast/merge"
)

// concat is a machine that is simpler than any real one, to test the shell
// alone: A writes its sorted values, sends them all and TURN with the number of
// bytes; B writes its own behind them and sends DONE.
type concat struct {
	c      merge.Config
	data   []int32
	offs   []int64
	s      merge.Snapshot
	from   int64 // where this worker writes
	turn   bool  // B: TURN was read
	over   bool  // A: DONE was read
	failed error
}

func newConcat(c merge.Config) (merge.Machine, error) {
	if c.Words == 0 {
		c.Words = merge.Words
	}
	m := &concat{c: c, data: slices.Sorted(slices.Values(c.Data)), offs: []int64{0}, from: c.Base}
	for _, v := range m.data {
		m.offs = append(m.offs, m.offs[len(m.offs)-1]+int64(len(strconv.Itoa(int(v)))+1))
	}
	m.s = merge.Snapshot{Phase: merge.PhaseInit, Stage: merge.StageStart, MyCount: int64(len(m.data)), Base: c.Base}
	return m, nil
}

func (m *concat) Deliver(msg merge.Message) error {
	if m.failed != nil || m.s.Stage == merge.StageDone {
		return m.failed
	}
	m.s.Stats.MessagesReceived++
	switch {
	case msg.Type == merge.TypeData && m.c.ID == 1:
		m.s.Stats.Comparisons += int64(len(msg.Values))
	case msg.Type == merge.TypeTurn && m.c.ID == 1 && len(msg.Values) == 1:
		m.turn, m.from = true, int64(msg.Values[0])
	case msg.Type == merge.TypeDone && m.c.ID == 0:
		m.over = true
	default:
		m.failed = merge.ErrProtocol
	}
	return m.failed
}

func (m *concat) Next(maxBytes int) (e merge.Effects) {
	before := m.s
	defer func() { e.Progress = m.s != before || e.Done && before.Stage != merge.StageDone }()
	switch {
	case m.s.Stage == merge.StageDone || m.failed != nil:
		m.s.Stage, m.s.Phase = merge.StageDone, merge.PhaseDone
		e.Done = true
	case m.c.ID == 1 && !m.turn:
	case m.s.OutputCount < int64(len(m.data)):
		from, to := int(m.s.OutputCount), int(m.s.OutputCount)
		for to < len(m.data) && (to == from || m.offs[to+1]-m.offs[from] <= int64(maxBytes)) {
			to++
		}
		e.Output = []merge.Span{{Off: m.from + m.offs[from], From: from, To: to}}
		m.s.OutputCount, m.s.Stats.ValuesOutput = int64(to), int64(to)
	case m.c.ID == 1:
		m.send(&e, merge.TypeDone)
		m.s.Stage, m.s.Phase, e.Done = merge.StageDone, merge.PhaseDone, true
	case m.s.DataIndex < int64(len(m.data)):
		to := min(int(m.s.DataIndex)+m.c.Words, len(m.data))
		m.send(&e, merge.TypeData, m.data[m.s.DataIndex:to]...)
		m.s.DataIndex = int64(to)
	case m.s.Stage == merge.StageStart:
		m.send(&e, merge.TypeTurn, int32(m.from+m.offs[len(m.data)]))
		m.s.Stage = merge.StageWait
	case m.over:
		m.s.Stage, m.s.Phase, e.Done = merge.StageDone, merge.PhaseDone, true
	}
	return e
}

func (m *concat) send(e *merge.Effects, kind string, values ...int32) {
	e.Send = &merge.Message{Type: kind, Values: values}
	m.s.Stats.MessagesSent++
}

func (m *concat) Render(dst []byte, s merge.Span) []byte {
	for _, v := range m.data[s.From:s.To] {
		dst = append(strconv.AppendInt(dst, int64(v), 10), '\n')
	}
	return dst
}

func (m *concat) Resume(s merge.Snapshot) error {
	if s.Stats.MessagesReceived != m.s.Stats.MessagesReceived {
		return merge.ErrState
	}
	m.s = s
	return nil
}

func (m *concat) Snapshot() merge.Snapshot { return m.s }
func (m *concat) Err() error               { return m.failed }

func (m *concat) Fingerprint() merge.Fingerprint {
	f := merge.Fingerprint{Count: int64(len(m.data))}
	for _, v := range m.data {
		f.CRC32C = f.CRC32C*31 + uint32(v)
	}
	return f
}
