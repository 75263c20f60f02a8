package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"holdfast/engine/mailbox"
	"holdfast/internal/vfs"
	"holdfast/merge/runner"
)

// joinFlags are those of join.
type joinFlags struct {
	access        accessFlags
	gone          time.Duration
	job           string
	from          string
	out, manifest string
	remove        bool
}

func newMergeJoin(a *app) *cobra.Command {
	var j joinFlags
	cmd := &cobra.Command{
		Use:   "join --nats URL --job J [-o OUT] [PART...]",
		Short: "The parts of a job's workers, as one file",
		Long: `Looks at a job of merge worker --nats: prints what its parts are and how the work
was shared, and ends with status 1 while workers have not finished. With -o it
copies the parts, one behind the other, to OUT, and refuses one that is not what
its worker wrote. PARTs are the files in the order of the workers; without them
they are taken from where the workers wrote them, on this machine.

--manifest keeps what the parts are in a file; join --from reads it back, without
an engine. --remove takes the job out of the engine afterwards: its messages and
records, not the parts.`,
		Example: `  holdfast merge join --nats nats://127.0.0.1:4222 --job nightly -o all.txt
  holdfast merge join --nats nats://127.0.0.1:4222 --job nightly --json
  holdfast merge join --nats nats://127.0.0.1:4222 --job nightly --manifest nightly.json
  holdfast merge join --from nightly.json -o all.txt part.0 part.1 part.2`,
		Args: args(0, 256, "the files of the parts"),
		RunE: func(cmd *cobra.Command, args []string) error { return j.run(cmd.Context(), a, args) },
	}
	f := cmd.Flags()
	j.access.add(f)
	addEngineTimeout(f, &j.gone)
	f.StringVar(&j.job, "job", "", "name of the job")
	f.StringVar(&j.from, "from", "", "a manifest, instead of --nats and --job")
	f.StringVarP(&j.out, "output", "o", "", "file for all values, - for standard output")
	f.StringVar(&j.manifest, "manifest", "", "write what the parts are to this file")
	f.BoolVar(&j.remove, "remove", false, "take the job out of the engine when all else is done")
	return cmd
}

func (j *joinFlags) check(parts int) error {
	switch {
	case (j.from == "") == (j.access.a.URL == ""):
		return errors.New("name --nats URL and --job J, or --from MANIFEST")
	case j.from != "" && (j.job != "" || j.remove):
		return errors.New("--job and --remove go with --nats")
	case j.from == "" && j.job == "":
		return errors.New("--job is missing")
	case j.gone <= 0:
		return errors.New("--engine-timeout: above 0")
	case parts > 0 && j.out == "":
		return errors.New("-o is missing: where do the parts go?")
	}
	if j.from == "" {
		if err := mailbox.CheckJob(j.job); err != nil {
			return fmt.Errorf("--job %w", err)
		}
	}
	return nil
}

func (j *joinFlags) run(ctx context.Context, a *app, parts []string) error {
	if err := j.check(len(parts)); err != nil {
		return usageError(err)
	}
	m, job, done, err := j.load(ctx, a)
	if err != nil {
		return jobError(err)
	}
	defer done()
	if len(parts) > 0 && len(parts) != m.Of {
		return usageError(fmt.Errorf("%s, and the job has %d workers: name all, in their order", counted(int64(len(parts)), "part", "parts"), m.Of))
	}
	if j.out != "" {
		if err := j.join(a, m, parts); err != nil {
			return err
		}
	}
	if j.manifest != "" {
		if err := writeFile(j.manifest, m.Encode()); err != nil {
			return err
		}
	}
	if job != nil && j.remove {
		if err := job.Remove(ctx); err != nil {
			return jobError(err)
		}
	}
	if j.out == "-" {
		return nil
	}
	return a.print(m, func(w io.Writer) error { return j.write(w, m) })
}

// load gives the manifest out of a file, or with the job out of the engine.
func (j *joinFlags) load(ctx context.Context, a *app) (m *runner.Manifest, job *mailbox.Job, done func(), err error) {
	done = func() {}
	if j.from != "" {
		f, err := os.Open(j.from)
		if err != nil {
			return nil, nil, done, unreadable(err)
		}
		defer f.Close()
		m, err = runner.ReadManifest(f, j.from)
		return m, nil, done, err
	}
	conn, err := j.access.connect(ctx, a, "holdfast merge join "+j.job)
	if err != nil {
		return nil, nil, done, err
	}
	if job, err = mailbox.Find(ctx, conn, j.job, j.gone); err == nil {
		m, err = manifestOf(ctx, job)
	}
	if err != nil {
		conn.Close()
	}
	return m, job, conn.Close, err
}

// join writes the whole.
func (j *joinFlags) join(a *app, m *runner.Manifest, parts []string) error {
	if j.out == "-" {
		return mergeError(m.Join(vfs.OS{}, a.Stdout, parts, nil))
	}
	for i, p := range m.Parts {
		path := p.Path
		if len(parts) > 0 {
			path = parts[i]
		}
		if sameName(path, j.out) {
			return usageError(fmt.Errorf("-o %s is the part of worker %d", j.out, i))
		}
	}
	out, err := vfs.Create(vfs.OS{}, j.out)
	if err != nil {
		return err
	}
	defer out.Abort()
	bar := a.progress()
	defer bar.Close()
	if err := m.Join(vfs.OS{}, out, parts, func(n int64) { bar.Step("bytes joined", n, m.Bytes) }); err != nil {
		return mergeError(err)
	}
	return out.Commit()
}

func sameName(a, b string) bool {
	if x, err := os.Stat(a); err == nil {
		if y, err := os.Stat(b); err == nil {
			return os.SameFile(x, y)
		}
	}
	return filepath.Clean(a) == filepath.Clean(b)
}

func (j *joinFlags) write(w io.Writer, m *runner.Manifest) error {
	in := ""
	if j.out != "" {
		in = " in " + j.out
	}
	fmt.Fprintf(w, "job %s: %d values, %d bytes%s, by %d workers with %d messages\n", m.Job, m.Values, m.Bytes, in, m.Of, m.Messages)
	fmt.Fprintf(w, "balance %.3f of comparisons, %.3f of values written\n\n", m.Balance, m.TouchBalance)
	fmt.Fprintf(w, "%8s %12s %12s %14s  %s\n", "worker", "values", "comparisons", "at byte", "part")
	for _, p := range m.Parts {
		fmt.Fprintf(w, "%8d %12d %12d %14d  %s\n", p.Worker, p.Values, p.Comparisons, p.Offset, p.Path)
	}
	if j.remove {
		fmt.Fprintf(w, "\nThe engine has forgotten the job.\n")
	}
	return nil
}
