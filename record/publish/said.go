package publish

// said is what messages of the stream hold, by sequence, until a line of the log
// has been compared with it. It holds what was read back, and so all of a stream
// that had no snapshot yet, and of a longer one its end and what the caller
// tells of the rest: two recordings by one name differ everywhere, and no
// process has to read a whole stream to take it over. Each sequence for sure is
// what verifying is for.
type said map[uint64]saying

type saying struct {
	at  uint64
	sum uint32
}

// mostSaid bounds it: a few megabytes.
const mostSaid = 1 << 16

func (s *said) note(in Input) {
	if *s == nil {
		*s = said{}
	}
	if _, known := (*s)[in.Seq]; !known && len(*s) < mostSaid {
		(*s)[in.Seq] = saying{in.At, in.Sum}
	}
}

// compare holds a line against what the stream has under its sequence, once.
func (m *Machine) compare(in Input) {
	there, known := m.said[in.Seq]
	if !known {
		return
	}
	delete(m.said, in.Seq)
	m.counts.Compared++
	if there.sum != in.Sum {
		m.counts.Conflicts++
		m.out.Conflict = &Conflict{Seq: in.Seq, Line: in.To.Lines, At: there.at}
	}
}
