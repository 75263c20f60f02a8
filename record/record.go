// Package record turns a stream of numbered packets that come late, twice,
// damaged or never, in a process that may die at any instruction, into one
// append-only log.
//
// It promises: every packet that passed its checksum is in a write-ahead
// journal before its source takes in more (see [Buffered]), so that waiting for
// order costs no coverage; each sequence is logged once, byte for
// byte; what is missing is known over every restart and asked for again; a log
// that a crash has cut short is repaired behind its last acknowledged byte and
// never before it. Without the journal ([seq.Config].JournalOff) it is the
// classic logger, which loses its buffer when the process ends.
//
// It does not promise that a source can deliver what it lost, nor that two
// recorders agree on statuses: only on packets and their order.
//
// The order of effects is that of [seq.Ready]: journal BEFORE log BEFORE
// requests. Start with [NewLogger] and [Logger.Run]; [ScoreLog], [Verify] and
// [Rebuild] look at what they left.
package record

import (
	"fmt"
	"path/filepath"

	"holdfast/internal/vfs"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// SourceKind is what a session was recorded from. The values are those of the
// journal's frame 1.
type SourceKind uint8

const (
	OtherSource     SourceKind = 0
	LabSource       SourceKind = 1
	JSONLSource     SourceKind = 2
	MoldUDP64Source SourceKind = 3
)

// Config says what is recorded and how. Session and StateDir are needed, all
// else has a default.
type Config struct {
	Session  string     // names the journal: StateDir/Session.journal
	StateDir string     // made if missing
	Source   SourceKind // for the record

	Policy  seq.Config     // Source and State are filled in here
	Journal journal.Config // Session, Replay and Now are filled in here

	RealClock bool         // time is that of the machine; else that of the source, or none
	Wall      func() int64 // nanoseconds since 1970, for the journal; nil is always 0
	Disk      vfs.Disk     // nil is the operating system's
	Warn      func(string) // told of what is odd; may be nil
	Status    func(Status) // told now and then how far it is; may be nil
	Publisher Publisher    // told how far the log is; may be nil
}

// JournalDir is the folder of a session's journal.
func JournalDir(stateDir, session string) string {
	return filepath.Join(stateDir, session+".journal")
}

// StatsPath is where the statistics of a log are kept.
func StatsPath(log string) string { return log + ".stats.json" }

func (c *Config) validate() error {
	if c.Session == "" || c.Session != filepath.Base(c.Session) || len(c.Session) > 200 {
		return fmt.Errorf("session %q: a name without slashes, of at most 200 bytes", c.Session)
	}
	if c.Disk == nil {
		c.Disk = vfs.OS{}
	}
	return nil
}

func (c *Config) warn(format string, args ...any) {
	if c.Warn != nil {
		c.Warn(fmt.Sprintf(format, args...))
	}
}

func (c *Config) wall() int64 {
	if c.Wall == nil {
		return 0
	}
	return c.Wall()
}

// Stats are the statistics of one process and, in Total, of the whole session.
type Stats struct {
	seq.Stats
	Total    seq.Stats `json:"total"`
	Session  string    `json:"session"`
	Log      string    `json:"log"`
	Complete bool      `json:"complete"`
	Restarts int64     `json:"restarts"`
}
