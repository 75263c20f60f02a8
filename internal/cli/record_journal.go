package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/engine/sink"
	"holdfast/internal/vfs"
	"holdfast/record"
	"holdfast/record/journal"
)

// sessionFlags name a session that was recorded.
type sessionFlags struct {
	dir  string
	name string
}

func (s *sessionFlags) add(f *pflag.FlagSet) {
	f.StringVar(&s.dir, "state-dir", "", "folder of the journal (default the system's temporary folder)")
	f.StringVar(&s.name, "session", "", "session, such as lab-42 (default the only one there)")
}

// find gives the folder of the journal and the session's name.
func (s *sessionFlags) find() (dir, name string, err error) {
	if s.dir == "" {
		s.dir = os.TempDir()
	}
	if s.name == "" {
		if s.name, err = onlySession(s.dir); err != nil {
			return "", "", err
		}
	}
	dir = record.JournalDir(s.dir, s.name)
	if _, err := os.Stat(dir); err != nil {
		return "", "", inputError(fmt.Errorf("%s: no journal of session %s there (%w)", s.dir, s.name, err))
	}
	return dir, s.name, nil
}

func onlySession(dir string) (string, error) {
	found, err := filepath.Glob(filepath.Join(strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir), "*.journal"))
	if err != nil {
		return "", usageError(err)
	}
	for i := range found {
		found[i] = strings.TrimSuffix(filepath.Base(found[i]), ".journal")
	}
	switch len(found) {
	case 0:
		return "", inputError(fmt.Errorf("%s: no journal there: name the folder with --state-dir", dir))
	case 1:
		return found[0], nil
	}
	return "", usageError(fmt.Errorf("%s has several sessions: choose with --session %s", dir, strings.Join(found, ", ")))
}

// read opens the journal and hands it to f.
func (s *sessionFlags) read(f func(*journal.Reader) error) error {
	dir, name, err := s.find()
	if err != nil {
		return err
	}
	r, err := journal.NewReader(vfs.OS{}, dir, name)
	if errors.Is(err, journal.ErrForeign) || errors.Is(err, journal.ErrVersion) {
		return inputError(err)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	return f(r)
}

func newRecordVerify(a *app) *cobra.Command {
	var (
		session sessionFlags
		publish publishFlags
		log     string
	)
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check a log against its journal, and a stream against the log, byte for byte",
		Long: `Makes every line again from the journal and compares it with the log. Exit status
1 if a line differs, is missing or is too much, or if the journal is damaged and
no recorder has dealt with it yet. Damage that was healed is listed.

With --to, the stream that the log was published to is compared with it too: each
line is in it once, with the same bytes, and nothing else; what this recorder
(--node, as it was given to record) has published stands in the log's order.`,
		Example: `  holdfast record verify --log events.log --state-dir state
  holdfast record verify --log events.log --state-dir state --to nats://127.0.0.1:4222`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := publish.server(); err != nil {
				return err // BEFORE the journal is read, which may take long
			}
			v, err := verifyLog(log, &session)
			if err != nil {
				return recordError(err)
			}
			stream, err := publish.verify(cmd.Context(), a, session.name, log)
			if err != nil {
				if !a.json { // what is known is told
					_ = writeVerification(a.Stdout, log, v)
				}
				return err
			}
			err = a.print(verified{v, stream}, func(w io.Writer) error {
				err := writeVerification(w, log, v)
				writeStreamVerification(w, stream)
				return err
			})
			if err != nil {
				return err
			}
			switch {
			case v.Differing > 0:
				d := v.Differences[0]
				return notHeld(fmt.Errorf("%s:%d: %s; %s in all", log, d.Line, d.Reason, counted(int64(v.Differing), "difference", "differences")))
			case v.Unhealed > 0:
				return notHeld(fmt.Errorf("the journal is damaged: %s: start the recorder again to heal it", v.Damages[0]))
			case stream != nil && !stream.Held():
				return notHeld(fmt.Errorf("stream %s is not %s: %v; %s in all", stream.Stream, log, stream.Differences[0], counted(int64(stream.Differing), "difference", "differences")))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&log, "log", "events.log", "the log")
	session.add(cmd.Flags())
	publish.add(cmd.Flags())
	cmd.Flags().Lookup("to").Usage = "compare also the stream at this URL, such as nats://127.0.0.1:4222"
	return cmd
}

// verified is what verify prints.
type verified struct {
	record.Verification
	Stream *sink.Verification `json:"stream,omitempty"`
}

func verifyLog(log string, session *sessionFlags) (v record.Verification, err error) {
	err = session.read(func(r *journal.Reader) error {
		f, err := os.Open(log)
		if err != nil {
			return inputError(err)
		}
		defer f.Close()
		v, err = record.Verify(f, r)
		return err
	})
	return v, err
}

func writeVerification(w io.Writer, log string, v record.Verification) error {
	fmt.Fprintf(w, "%s: %d lines, %d differences", log, v.Lines, v.Differing)
	if v.Unchecked > 0 {
		fmt.Fprintf(w, ", %d lines of which the journal has only the sequence", v.Unchecked)
	}
	fmt.Fprintln(w)
	for _, d := range v.Differences {
		fmt.Fprintf(w, "  line %d: %s\n", d.Line, d.Reason)
	}
	for _, d := range v.Damages {
		fmt.Fprintf(w, "  journal: %s\n", d)
	}
	if !v.Complete {
		fmt.Fprintln(w, "the session is not over: what waits for order is not in the log yet")
	}
	return nil
}

func newRecordDump(a *app) *cobra.Command {
	var (
		session      sessionFlags
		state, stats bool
	)
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Print the frames of a journal as JSON lines",
		Long: `Prints each frame of the journal as one JSON object a line; with --state what they
come to (held and missing packets, what was learned), with --stats the statistics
of the session, both made from the journal alone.`,
		Example: `  holdfast record dump --state-dir state
  holdfast record dump --state-dir state --stats`,
		Args: args(0, 0, "flags only"),
		RunE: func(*cobra.Command, []string) error {
			dir, name, err := session.find()
			if err != nil {
				return err
			}
			one := *a
			one.json = true
			switch {
			case stats && state:
				return usageError(errors.New("--state and --stats: only one of them"))
			case stats:
				s, err := record.SessionStats(vfs.OS{}, session.dir, name)
				if err != nil {
					return recordError(err)
				}
				return one.print(s, nil)
			case state:
				s, _, err := record.Replay(vfs.OS{}, dir, name)
				if err != nil {
					return recordError(err)
				}
				return one.print(s, nil)
			}
			return session.read(func(r *journal.Reader) error { return record.Dump(a.Stdout, r) })
		},
	}
	cmd.Flags().BoolVar(&state, "state", false, "print what the frames come to")
	cmd.Flags().BoolVar(&stats, "stats", false, "print the statistics that the frames come to")
	session.add(cmd.Flags())
	return cmd
}

func newRecordExplain(a *app) *cobra.Command {
	var session sessionFlags
	cmd := &cobra.Command{
		Use:     "explain SEQ",
		Short:   "Tell the life of one packet: when it came, was asked for and was written",
		Example: `  holdfast record explain 35 --state-dir state`,
		Args:    args(1, 1, "one sequence"),
		RunE: func(_ *cobra.Command, given []string) error {
			n, err := strconv.ParseUint(given[0], 10, 64)
			if err != nil {
				return usageError(fmt.Errorf("%q is no sequence", given[0]))
			}
			var life record.Life
			err = session.read(func(r *journal.Reader) (err error) {
				life, err = record.Explain(r, n)
				return err
			})
			if err != nil {
				return err
			}
			return a.print(life, life.WriteText)
		},
	}
	session.add(cmd.Flags())
	return cmd
}

func newRecordRebuild(a *app) *cobra.Command {
	var (
		session sessionFlags
		out     string
	)
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Make log and statistics again from the journal alone",
		Long: `Writes the log as the journal tells it, byte for byte, and its statistics beside
it. It fails if the journal has lost a packet, or never had any (--journal off).`,
		Example: `  holdfast record rebuild --state-dir state --out rebuilt.log`,
		Args:    args(0, 0, "flags only"),
		RunE: func(*cobra.Command, []string) error {
			if out == "-" && a.json {
				return usageError(errors.New("--json and --out - would both write to standard output"))
			}
			if out == "" {
				return usageError(errors.New("--out is missing: name the log to write, or - for standard output"))
			}
			err := session.read(func(r *journal.Reader) error {
				if out == "-" {
					_, err := record.Rebuild(a.Stdout, r)
					return err
				}
				return rebuildFile(out, r)
			})
			if errors.Is(err, record.ErrLostPacket) {
				return inputError(err)
			}
			if err != nil || out == "-" {
				return recordError(err)
			}
			s, err := rebuildStats(out, session)
			if err != nil {
				return recordError(err)
			}
			return a.print(s, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: %d lines, made from the journal of %s; %s\n", out, s.Total.PacketsWritten, s.Session, record.StatsPath(out))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the log to write")
	session.add(cmd.Flags())
	return cmd
}

func rebuildFile(path string, r *journal.Reader) error {
	f, err := vfs.Create(vfs.OS{}, path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := record.Rebuild(f, r); err != nil {
		return err
	}
	return f.Commit()
}

func rebuildStats(log string, session sessionFlags) (record.Stats, error) {
	s, err := record.SessionStats(vfs.OS{}, session.dir, session.name)
	if err != nil {
		return s, err
	}
	s.Log = log
	f, err := vfs.Create(vfs.OS{}, record.StatsPath(log))
	if err != nil {
		return s, err
	}
	defer f.Abort()
	if err := record.EncodeStats(f, s); err != nil {
		return s, err
	}
	return s, f.Commit()
}
