package cli

import (
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"holdfast/lab/lossy"
	"holdfast/record/journal"
	"holdfast/record/seq"
)

// labFlags are the parameters of the lab's packet source.
type labFlags struct {
	seed bigInt
	c    lossy.Config
	dir  string
}

func (l *labFlags) add(f *pflag.FlagSet) {
	l.seed.Int = big.NewInt(42)
	l.c = lossy.Default(0)
	f.Var(&l.seed, "seed", "all chance of the lab comes from this integer")
	f.IntVar(&l.c.TotalPackets, "packets", l.c.TotalPackets, "packets that the lab generates")
	f.IntVar(&l.c.ReorderWindow, "reorder-window", l.c.ReorderWindow, "most places that a packet is delayed")
	f.Float64Var(&l.c.DuplicateProb, "duplicate-prob", l.c.DuplicateProb, "part of the packets that come twice")
	f.Float64Var(&l.c.LossProb, "loss-prob", l.c.LossProb, "part of the packets that never come")
	f.Float64Var(&l.c.CorruptionProb, "corruption-prob", l.c.CorruptionProb, "part of the deliveries that come damaged")
	f.Float64Var(&l.c.TerminationProb, "termination-prob", l.c.TerminationProb, "chance that a receive ends the process")
	f.Float64Var(&l.c.TerminationProb, "termination-rate", l.c.TerminationProb, "the same as --termination-prob")
	f.StringVar(&l.dir, "state-dir", "", "folder for journal and state files (default the system's temporary folder)")
}

// config is the source that the flags describe.
func (l *labFlags) config(a *app) lossy.Config {
	c := l.c
	c.Seed, c.StateDir = l.seed.Int, l.stateDir()
	c.Warn = func(message string) { a.warn([]string{message}) }
	return c
}

func (l *labFlags) stateDir() string {
	if l.dir == "" {
		return os.TempDir()
	}
	return l.dir
}

// session names the recording of the lab's source.
func (l *labFlags) session() string { return "lab-" + l.seed.Int.String() }

// bigInt is a flag value of any size.
type bigInt struct{ *big.Int }

// Set implements pflag.Value.
func (b *bigInt) Set(text string) error {
	n, ok := new(big.Int).SetString(strings.TrimSpace(text), 10)
	if !ok {
		return fmt.Errorf("not an integer")
	}
	b.Int = n
	return nil
}

// String implements pflag.Value.
func (b *bigInt) String() string {
	if b.Int == nil {
		return "0"
	}
	return b.Int.String()
}

// Type implements pflag.Value.
func (b *bigInt) Type() string { return "int" }

// firstSequence is a flag value: a number, or first.
type firstSequence struct{ value uint64 }

// Set implements pflag.Value.
func (s *firstSequence) Set(text string) (err error) {
	if text == "first" {
		s.value = seq.FirstOfStream
		return nil
	}
	s.value, err = strconv.ParseUint(text, 10, 64)
	if err != nil || s.value == seq.FirstOfStream {
		return fmt.Errorf("use a sequence, or first for that of the first packet that comes")
	}
	return nil
}

// String implements pflag.Value.
func (s *firstSequence) String() string {
	if s.value == seq.FirstOfStream {
		return "first"
	}
	return strconv.FormatUint(s.value, 10)
}

// Type implements pflag.Value.
func (s *firstSequence) Type() string { return "N|first" }

// policyFlags say how the recorder decides and how durable its journal is.
type policyFlags struct {
	policy     seq.Config
	journal    journal.Config
	first      firstSequence
	mode       choice
	flush      choice
	ask        choice
	durability choice
	buffer     int
	bytes      byteSize
	grace      int
	rate       string
	groupBytes byteSize
	segment    byteSize
}

func (p *policyFlags) add(f *pflag.FlagSet) {
	p.mode = choice{"on", []string{"on", "off"}}
	p.flush = choice{"half", []string{"half", "all"}}
	p.ask = choice{"", []string{"auto", "corrupt", "all", "never"}}
	p.durability = choice{"group", []string{"none", "interval", "group", "always"}}
	p.bytes, p.groupBytes, p.segment = 64<<20, 256<<10, 64<<20
	f.Var(&p.mode, "journal", "off: the classic logger, which loses its buffer with the process")
	f.Var(&p.durability, "durability", "what a logged packet survives: kill -9 (none, interval) or a power cut (group, always)")
	f.IntVar(&p.buffer, "buffer-size", 0, "most packets that wait for order (default 65536, or 30 without the journal)")
	f.Var(&p.bytes, "buffer-bytes", "most bytes that wait for order")
	f.Var(&p.flush, "flush", "what a full buffer writes without the journal")
	f.Var(&p.ask, "ask", "what is asked for again (default auto, or corrupt without the journal)")
	f.Var(&p.first, "first-sequence", "lowest sequence of the session")
	f.IntVar(&p.grace, "corrupt-grace", 0, "packets to wait for a good copy of a damaged one before asking (default half of the learned disorder)")
	f.Uint64Var(&p.policy.MaxJump, "max-jump", 1_000_000, "farthest step ahead that is believed at once")
	f.IntVar(&p.policy.MaxStalls, "max-stalls", 16, "starts in a row that may get nowhere")
	f.IntVar(&p.policy.Tries, "tries", 6, "requests for a packet before the log goes on without it")
	f.DurationVar(&p.policy.MaxHold, "max-hold", 5*time.Second, "longest that the log waits for a packet")
	f.DurationVar(&p.policy.Drain, "drain-timeout", 2*time.Second, "longest wait for what is missing at the end")
	f.StringVar(&p.rate, "rate-limit", "1000/s", "most requests a second")
	f.Uint64Var(&p.policy.PolicySeed, "policy-seed", 1, "of the jitter of request timers")
	f.DurationVar(&p.journal.GroupWindow, "group-window", time.Millisecond, "longest that a sync waits for company")
	f.Var(&p.groupBytes, "group-bytes", "bytes that do not wait for company")
	f.DurationVar(&p.journal.Interval, "interval", 100*time.Millisecond, "time between syncs with --durability interval")
	f.Var(&p.segment, "segment-bytes", "size of a journal file")
}

var (
	asks   = map[string]seq.Ask{"": seq.AskDefault, "auto": seq.AskAuto, "corrupt": seq.AskCorrupt, "all": seq.AskAll, "never": seq.AskNever}
	levels = map[string]journal.Level{"none": journal.None, "interval": journal.Interval, "group": journal.Group, "always": journal.Always}
)

// read gives what the flags mean.
func (p *policyFlags) read(given func(string) bool) (seq.Config, journal.Config, error) {
	c, j := p.policy, p.journal
	c.First, c.JournalOff, c.Ask = p.first.value, p.mode.value == "off", asks[p.ask.value]
	if p.flush.value == "all" {
		c.Flush = seq.FlushAll
	}
	c.BufferSize, c.BufferBytes = p.buffer, int64(p.bytes)
	if given("buffer-size") && p.buffer < 1 {
		return c, j, fmt.Errorf("--buffer-size %d: at least 1", p.buffer)
	}
	if c.CorruptGrace = p.grace; given("corrupt-grace") && p.grace <= 0 {
		if p.grace < 0 {
			return c, j, fmt.Errorf("--corrupt-grace %d: not below 0", p.grace)
		}
		c.CorruptGrace = seq.AtOnce
	}
	for _, n := range []struct {
		flag  string
		value int
	}{{"max-stalls", c.MaxStalls}, {"tries", c.Tries}} {
		if n.value < 1 {
			return c, j, fmt.Errorf("--%s %d: at least 1", n.flag, n.value)
		}
	}
	if c.Tries > 255 {
		return c, j, fmt.Errorf("--tries %d: at most 255", c.Tries)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"max-hold", c.MaxHold}, {"drain-timeout", c.Drain}, {"group-window", j.GroupWindow}, {"interval", j.Interval}} {
		if d.value < 0 {
			return c, j, fmt.Errorf("--%s %v: not below 0", d.flag, d.value)
		}
	}
	rate, err := parseRate(p.rate)
	if err != nil {
		return c, j, err
	}
	c.RequestRate = rate
	j.Level, j.GroupBytes, j.SegmentBytes = levels[p.durability.value], int64(p.groupBytes), int64(p.segment)
	return c, j, nil
}

// parseRate reads 1000/s, 1000 or off.
func parseRate(text string) (int, error) {
	if text == "off" {
		return -1, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "/s"))
	if err != nil || n < 1 || n > 1_000_000_000 {
		return 0, fmt.Errorf("--rate-limit %q: use a number of requests a second such as 1000/s, or off", text)
	}
	return n, nil
}
