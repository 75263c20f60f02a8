package dedupe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"holdfast/internal/extsort"
	"holdfast/internal/vfs"
	"holdfast/replay/ingest"
)

// run is one call of ByKey or Copy.
type run struct {
	Config
	source  *source
	format  *format
	index   *index
	outputs *outputs

	drop     bitset // records that are removed or rejected
	details  *details
	analysis *analysis
	result   Result
}

// defaultMemory is Config.Memory's.
const defaultMemory = 512 << 20

// open fills in the defaults and opens input and outputs.
func (c Config) open(ctx context.Context) (_ *run, err error) {
	if c.Memory <= 0 {
		c.Memory = defaultMemory
	}
	if c.Jobs <= 0 {
		c.Jobs = runtime.GOMAXPROCS(0)
	}
	if c.FS == nil {
		c.FS = vfs.OS{}
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Progress == nil {
		c.Progress = func(int64, int64) {}
	}
	if c.hash == nil {
		c.hash = xxhash.Sum64
	}
	if len(c.Key) == 0 {
		c.Key = defaultKey
	}
	if c.Keep == "" {
		c.Keep = keepLast
	}
	if !slices.Contains(keeps, c.Keep) {
		return nil, &ingest.UsageError{Reason: fmt.Sprintf("no such rule to keep a row: %q", c.Keep), Hint: "use one of " + strings.Join(keeps, ", ")}
	}
	if err := c.checkPaths(); err != nil {
		return nil, err
	}
	r := &run{Config: c}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	o := opener{fs: c.FS, tmp: c.Tmp, read: c.Read, name: c.In}
	if r.source, err = o.open(ctx); err != nil {
		return nil, err
	}
	if r.format, err = newFormat(r.source.header, c.Read, c.Key); err != nil {
		return nil, err
	}
	r.outputs, err = openOutputs(c)
	return r, err
}

func (r *run) close() {
	if r.source != nil {
		r.source.Close()
	}
	if r.outputs != nil {
		r.outputs.abort()
	}
	if r.details != nil {
		r.details.sorter.Close()
	}
	r.analysis.abort()
}

// scan finds the records; with a store, also their keys.
func (r *run) scan(ctx context.Context, s *store) error {
	size := r.source.size - r.source.start
	total := 2 * r.source.size
	scan := scan{
		source: r.source, format: r.format, store: s, hash: r.hash, size: r.chunk,
		progress: func(done int64) { r.Progress(done, total) },
	}
	if scan.size == 0 {
		scan.size = int(min(max(size/256, minChunk), maxChunk))
	}
	if err := scan.run(ctx, r.Jobs); err != nil {
		return err
	}
	r.index = &scan.index
	r.result.RowsIn = r.index.records
	r.result.Notes = scan.notes.named()
	if s != nil {
		r.warnInput(&scan)
	}
	return r.index.epochs().check(columnTimestamp)
}

// warnInput says what a user should know of the input.
func (r *run) warnInput(s *scan) {
	if extra := r.source.header.Extra; len(extra) > 0 {
		const most = 10
		what := "extra columns are"
		if len(extra) == 1 {
			what = "extra column is"
		}
		r.warn("%d %s carried through: %q", len(extra), what, extra[:min(len(extra), most)])
	}
	if n := s.notes[naiveTimes]; n > 0 {
		zone := "UTC"
		if r.Read.Zone.Loc != nil {
			zone = r.Read.Zone.Loc.String()
		}
		r.warn("%d times name no zone and are read as %s: --assume-tz sets another", n, zone)
	}
	if !r.Read.FoldCase {
		r.result.Warnings = append(r.result.Warnings, s.names.near()...)
	}
}

func (r *run) warn(format string, args ...any) {
	r.result.Warnings = append(r.result.Warnings, fmt.Sprintf(format, args...))
}

// write carries out what was decided, and checks that no row is lost on the
// way. An error that stands in *failed when the decisions end counts.
func (r *run) write(ctx context.Context, decisions iter.Seq[Decision], failed *error) error {
	reader, err := newReader(r.source, r.format)
	if err != nil {
		return err
	}
	w := &writer{reader: reader, index: r.index, drop: r.drop, outputs: r.outputs, progress: r.Progress}
	if decisions != nil {
		w.details = newCursor(decisions)
		defer w.details.stop()
	}
	if err := cmp.Or(w.run(ctx), *failed); err != nil {
		return err
	}
	if w.kept+w.dropped+w.rejected != r.result.RowsIn {
		panic(fmt.Sprintf("dedupe: %d rows in, but %d kept + %d removed + %d rejected", r.result.RowsIn, w.kept, w.dropped, w.rejected))
	}
	r.result.Kept, r.result.Removed, r.result.Rejected, r.result.Rewritten = w.kept, w.dropped, w.rejected, w.rewritten
	return nil
}

// finish makes the outputs visible if the input is still what it was.
func (r *run) finish(ctx context.Context) error {
	if err := r.source.id.Changed(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.outputs.commit()
}

// sorter makes an external sorter for about that many bytes.
func (r *run) sorter(bytes int64) *extsort.Sorter {
	return extsort.New(extsort.Config{Memory: max(min(bytes, r.Memory/8), 1), Dir: r.Tmp, Jobs: r.Jobs, FS: r.FS})
}

// settle makes of an error what the caller gets: if the input changed, that is
// what went wrong, whatever it looked like; and an error about the input names it.
func (r *run) settle(err error) error {
	if changed := r.source.id.Changed(); changed != nil && !errors.Is(err, context.Canceled) {
		return changed
	}
	return r.blame(err)
}

// errMoved is what a record that is not where it was gives away.
func errMoved() error {
	return &ingest.InputError{Reason: "changed while it was read", Hint: "stop its writer or copy it, and run again"}
}

// blame names the input in an error about it.
func (c Config) blame(err error) error {
	var input *ingest.InputError
	if errors.As(err, &input) && input.File == "" {
		input.File = c.In
		if c.In == "-" {
			input.File = "standard input"
		}
	}
	return err
}
