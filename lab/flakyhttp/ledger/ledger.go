// Package ledger is a server's own record of the requests it got: what came,
// on which connection, what was answered, and how it really ended. A client's
// account of itself can be checked against it, hidden resends included.
//
// The file is JSONL. A line is appended when its request has ended, so lines
// stand in the order of ends; seq counts arrivals, from 1:
//
//	{"seq":7,"at":"2026-01-15T10:30:00.123456Z","conn":3,"proto":"HTTP/1.1","method":"GET",
//	 "url":"http://127.0.0.1:8080/get?_id=0","attempt":"1.2.0","status":200,"bytes":312,"end":"complete"}
//
// at is the arrival of the header block (UTC, microseconds); conn numbers the
// connections of the server; attempt is the client's Holdfast-Attempt header or
// ""; status is 0 if no whole status line was sent; bytes counts the bytes of
// the body that were sent. An entry without method and url is a connection that
// ended before a request came.
//
// It promises one entry for every request that reached the server, whatever
// became of it, and that [Ledger.Wait] returns only when every request begun
// before has its entry. It does not know what happened beyond the kernel: an
// answer that was handed over whole is complete, even if the client never read
// it. Of a stream of net/http's own HTTP/2 it knows what the handler saw.
//
// Call [New], then [Ledger.Install] for a net/http server and serve on what
// [Ledger.Listener] gives; or [Ledger.Begin] where there is no net/http.
package ledger

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An End is how a request ended, as the server saw it.
type End string

const (
	Complete     End = "complete"      // all that was to be sent was sent
	Reset        End = "reset"         // the server reset the connection or the stream
	Truncated    End = "truncated"     // the server closed before the answer was whole
	Stalled      End = "stalled"       // the server fell silent for as long as it meant to, then closed
	ClientClosed End = "client_closed" // the client went away first
)

// AttemptHeader is the request header that names the client's attempt, as
// line.attempt.hop.
const AttemptHeader = "Holdfast-Attempt"

// An Entry is one line of the ledger.
type Entry struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`
	Conn    uint64    `json:"conn"`
	Proto   string    `json:"proto"`
	Method  string    `json:"method"`
	URL     string    `json:"url"`
	Attempt string    `json:"attempt"`
	Status  int       `json:"status"`
	Bytes   int64     `json:"bytes"`
	End     End       `json:"end"`
}

// A Ledger collects entries, from any number of goroutines.
type Ledger struct {
	mu        sync.Mutex // guards all below
	seq, conn uint64
	open      int           // requests begun and not ended
	idle      chan struct{} // closed when open reaches 0; nil if nobody waits
	keep      int
	kept      []Entry
	forgotten uint64
	to        io.Writer // nil: memory only
	pending   []byte    // lines not yet taken by a writer
	spare     []byte    // the other buffer
	writing   bool      // a goroutine is at to.Write
	err       error     // the first failure of to; sticky
}

// New is a ledger that remembers the first keep entries and appends all of them
// to file; nil is no file.
func New(file io.Writer, keep int) *Ledger { return &Ledger{to: file, keep: keep} }

// NextConn numbers a new connection, from 1.
func (l *Ledger) NextConn() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn++
	return l.conn
}

// Begin notes that a request arrived now. Seq and At of e are set by it; Status,
// Bytes and End by [Request.End].
func (l *Ledger) Begin(e Entry) *Request {
	r := &Request{}
	l.begin(r, e)
	return r
}

// maxText is the most bytes of a text that are noted: clients make them up.
const maxText = 64 << 10

func (l *Ledger) begin(r *Request, e Entry) {
	for _, text := range [...]*string{&e.Method, &e.URL, &e.Attempt} {
		if len(*text) > maxText {
			*text = (*text)[:maxText]
		}
	}
	l.mu.Lock()
	l.seq++
	e.Seq, e.At = l.seq, time.Now().UTC()
	l.open++
	l.mu.Unlock()
	r.ledger, r.entry = l, e
}

// A Request is one that has begun. End must be called once; later calls do
// nothing.
type Request struct {
	ledger *Ledger
	entry  Entry
	ended  atomic.Bool
}

// End notes how the request ended.
func (r *Request) End(status int, bytes int64, end End) {
	if r.ended.CompareAndSwap(false, true) {
		r.entry.Status, r.entry.Bytes, r.entry.End = status, bytes, end
		r.ledger.add(&r.entry)
	}
}

// Conn is the number of the request's connection, 0 if it is not known.
func (r *Request) Conn() uint64 { return r.entry.Conn }

func (l *Ledger) add(e *Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.kept) < l.keep {
		l.kept = append(l.kept, *e)
	} else {
		l.forgotten++
	}
	if l.to != nil {
		l.pending = e.append(l.pending)
		l.write()
	}
	if l.open--; l.open == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// write brings the pending lines to the file. Whoever finds no other goroutine
// at it writes, for all of them: no line waits for a timer, and the busier the
// server the more lines share a system call. Called with mu held.
func (l *Ledger) write() {
	if l.writing {
		return
	}
	l.writing = true
	for len(l.pending) > 0 && l.err == nil {
		lines := l.pending
		l.pending = l.spare[:0]
		l.mu.Unlock()
		_, err := l.to.Write(lines)
		l.mu.Lock()
		l.spare = lines
		l.err = err
	}
	l.writing = false
}

// Entries is what is remembered of the requests that have ended, in the order
// of arrival.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	all := slices.Clone(l.kept)
	l.mu.Unlock()
	sortEntries(all)
	return all
}

// sortEntries puts entries in the order of arrival, also those of a file to which
// several servers appended one after the other.
func sortEntries(all []Entry) {
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq)) })
}

// Open is how many requests have begun and not ended.
func (l *Ledger) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Forgotten is how many entries were not remembered, for there were too many.
func (l *Ledger) Forgotten() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.forgotten
}

// Err is the first failure to write the file. Entries after it are only kept in
// memory.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Wait returns when no request is open: what a client has the answer of is then
// among the entries.
func (l *Ledger) Wait(ctx context.Context) error {
	l.mu.Lock()
	if l.open == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	idle := l.idle
	l.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
