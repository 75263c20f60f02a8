package seq

// A Counter names one of the durable counters of a session. Its value is its
// number in frame 7, so constants are only ever added at the end.
type Counter uint8

const (
	_                  Counter = iota
	Packets                    // first valid copies; implied by frame 3 when the journal is on
	Duplicates                 // valid copies of a known sequence
	CorruptPackets             // deliveries whose checksum failed
	Rejected                   // input that is no packet, or lies outside the session; includes Quarantined
	Malformed                  // datagrams that were no datagrams of the protocol
	Quarantined                // packets too far ahead to be believed
	Conflicts                  // copies that differ from the known packet
	SessionMismatch            // datagrams of another session
	KernelDrops                // datagrams that the kernel had no room for
	Flushes                    // inputs that wrote a packet which had waited
	SpuriousRequests           // originals that came after they were asked for
	SendErrors                 // requests that could not be sent
	MaxHeld                    // most packets that waited at once
	Starts                     // processes; implied by frame 2
	UncleanStarts              // starts after a process that did not stop in order
	TornTails                  // torn ends that recovery cut
	JournalCorruptions         // damaged synced frames that recovery passed over
	AdoptedLines               // lines of the log that the journal had lost
	Written                    // lines; this and the next ones are implied by frames 4 and 5
	LateLines                  // lines with status LATE
	Inversions                 // lines below an earlier line
	InvertedPairs              // pairs of lines in the wrong order
	Retransmits                // lines with status RETRANSMIT
	Requests                   // requests
	RequestedSequences         // sequences in them
	GapRequests                // requests for what is overdue
	StallProbes                // requests that only probe
	BackgroundRequests         // requests for what was given up
	Misses                     // see PolicyFrame
	Skipped                    // see PolicyFrame
	RipeBelow                  // sequences below it have had their turn to be asked for
	EndBefore                  // sequence after the last of the session, and 1 more; 0 while it goes on
	Outstanding                // the sequence that a definitive source was asked for, and 1 more; 0 is none
	BeganAt                    // the first sequence, and 1 more, of a session that began with whatever came first
	counters                   // how many there are
)

// implied are the counters that other frames imply when the journal is on, and
// frame 7 leaves out. With the journal off Packets is not among them.
var implied = [counters]bool{
	Packets: true, BeganAt: true, Starts: true, UncleanStarts: true,
	Written: true, LateLines: true, Inversions: true, InvertedPairs: true, Retransmits: true,
	Requests: true, RequestedSequences: true, GapRequests: true, StallProbes: true, BackgroundRequests: true,
}
