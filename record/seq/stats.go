package seq

import "time"

// Stats are the figures of a process or of a whole session.
type Stats struct {
	PacketsReceived     uint64 `json:"packets_received"`
	PacketsWritten      uint64 `json:"packets_written"`
	DuplicatesDiscarded uint64 `json:"duplicates_discarded"`
	CorruptedPackets    uint64 `json:"corrupted_packets"`
	RetransmitRequests  uint64 `json:"retransmit_requests"`
	RetransmitsReceived uint64 `json:"retransmits_received"`
	Inversions          uint64 `json:"inversions"`
	Gaps                uint64 `json:"gaps"`
	BufferFlushes       uint64 `json:"buffer_flushes"`
	FinalBufferSize     uint64 `json:"final_buffer_size"`

	Extra map[string]int64 `json:"extra"`
}

// extras are the counters that statistics show under "extra".
var extras = []struct {
	name    string
	counter Counter
}{
	{"adopted_lines", AdoptedLines},
	{"background_requests", BackgroundRequests},
	{"conflicts", Conflicts},
	{"gap_requests", GapRequests},
	{"inverted_pairs", InvertedPairs},
	{"journal_corruptions", JournalCorruptions},
	{"kernel_drops", KernelDrops},
	{"late_lines", LateLines},
	{"malformed", Malformed},
	{"quarantined", Quarantined},
	{"rejected", Rejected},
	{"requested_sequences", RequestedSequences},
	{"send_errors", SendErrors},
	{"session_mismatch", SessionMismatch},
	{"spurious_requests", SpuriousRequests},
	{"stall_probes", StallProbes},
	{"starts", Starts},
	{"torn_tails", TornTails},
	{"unclean_starts", UncleanStarts},
}

// Stats gives the statistics of this process, and of the session. Gaps,
// gap_runs and max_held are those of the session in both.
func (m *Machine) Stats() (process, total Stats) {
	return m.stats(&m.before), m.stats(&[counters]uint64{})
}

// stats counts from an earlier point on (S2). What came and is not in the log
// waits in memory; with the journal it is there too, so that nothing is lost.
func (k *core) stats(before *[counters]uint64) Stats {
	since := func(c Counter) uint64 { return k.counts[c] - before[c] }
	lost := since(Packets) - since(Written)
	if !k.c.JournalOff || since(Written) > since(Packets) {
		lost = 0
	}
	s := Stats{
		PacketsReceived:     since(Packets) + since(Duplicates) + since(CorruptPackets) + since(Rejected),
		PacketsWritten:      since(Written),
		DuplicatesDiscarded: since(Duplicates),
		CorruptedPackets:    since(CorruptPackets),
		RetransmitRequests:  since(Requests),
		RetransmitsReceived: since(Retransmits),
		Inversions:          since(Inversions),
		Gaps:                k.gaps.missing + uint64(k.waiting()),
		BufferFlushes:       since(Flushes),
		FinalBufferSize:     lost,
		Extra:               make(map[string]int64, len(extras)+2),
	}
	for _, e := range extras {
		s.Extra[e.name] = int64(since(e.counter))
	}
	s.Extra["max_held"] = int64(k.counts[MaxHeld])
	s.Extra["gap_runs"] = int64(k.gaps.stretches())
	return s
}

// Stats gives the statistics of a session from its state.
func (s *State) Stats(c Config) (Stats, error) {
	c, err := c.validated()
	if err != nil {
		return Stats{}, err
	}
	k := newCore(c)
	if err := k.restore(s); err != nil {
		return Stats{}, err
	}
	return k.stats(&[counters]uint64{}), nil
}

// Progress is where a machine stands.
type Progress struct {
	Begun  bool          // Hi is known
	Hi     uint64        // highest sequence proven to exist
	Extent uint64        // by how many sequences an original came late at most, lately
	SRTT   time.Duration // smoothed round trip of requests; 0 if none was measured
}

// Progress says where the machine stands.
func (m *Machine) Progress() Progress {
	return Progress{Begun: m.begun && m.top > m.first, Hi: m.top - 1, Extent: m.policy.Extent, SRTT: m.policy.SRTT}
}
