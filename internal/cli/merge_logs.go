package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/merge/logs"
)

func newMergeLogs(a *app) *cobra.Command {
	var (
		c         logs.Config
		format    = choice{"auto", []string{"auto", "csv", "jsonl", "text"}}
		missing   = choice{"", []string{"first", "last"}}
		delimiter string
		memory    = byteSize(logs.DefaultMemory)
		maxRecord = byteSize(logs.DefaultMaxRecord)
	)
	cmd := &cobra.Command{
		Use:   "logs FILE... --by COL[:type],... -o OUT",
		Short: "Merge sorted log files into one, stable, larger than memory, each record as it was",
		Long: `Merges files that are sorted by the same columns into one that is. Records are
copied byte for byte. Of equal keys the file that stands first on the command
line comes first, then the earlier line. A file that is not sorted is named with
its line, and OUT is not written; with --sort the files need not be sorted.

  CSV     COL is the name of a column or its number; one header is written
  JSONL   COL is a name, or a dotted path to one: user.id
  text    COL is the number of a field, 0 the whole line. Fields are those of
          GNU sort; without :type the output is that of LC_ALL=C sort -m -s -kN,N

Types: time (RFC 3339 with any offset or none, compared as instants), int (64
bits), decimal (exact, of any length) and bytes. Without one, CSV and JSONL
columns get the first of these that the first record of every file satisfies.

--dedupe KEY keeps the first record of each KEY over the whole output: columns,
or line for the whole record.`,
		Example: `  holdfast merge logs worker-1.csv worker-2.csv --by timestamp -o all.csv
  holdfast merge logs app-*.log.gz --by 1:time -o app.log
  holdfast merge logs a.jsonl b.jsonl --by ts,user.id:int --dedupe event_id -o all.jsonl.zst
  holdfast merge logs unsorted.csv more.csv --by price:decimal --sort -o sorted.csv
  tail -n +2 a.csv | holdfast merge logs - b.csv --no-header --by 2 -o -`,
		Args: args(1, math.MaxInt, "FILE..."),
		RunE: func(cmd *cobra.Command, files []string) error {
			var err error
			if c.Delimiter, err = parseDelimiter(delimiter); err != nil {
				return err
			}
			c.Files, c.Format, c.Missing = files, format.value, missing.value
			c.Memory, c.MaxRecord = int64(memory), int64(maxRecord)
			c.Stdin, c.Stdout = a.Stdin, a.Stdout
			debug.SetMemoryLimit(max(int64(memory), memoryFloor))
			p := a.progress()
			c.Progress = p.Step
			r, err := logs.Merge(cmd.Context(), c)
			p.Close()
			if err != nil {
				return mergeLogsError(err)
			}
			to := *a
			if c.Out == "-" {
				to.Stdout = a.Stderr
			}
			return to.print(r, func(w io.Writer) error { return writeMergeLogs(w, c.Out, r) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.By, "by", "", "columns that the files are sorted by: COL[:type],... with the types time, int, decimal, bytes")
	f.StringVarP(&c.Out, "output", "o", "", "file for the result, - for standard output; .gz and .zst are compressed")
	f.Var(&format, "format", "of all files; auto goes by their names, then by what is in them")
	f.StringVar(&delimiter, "delimiter", "", "between fields: one character or \\t (default a comma in CSV, a tab in .tsv, blanks in text)")
	f.BoolVar(&c.NoHeader, "no-header", false, "CSV files begin with data: columns are numbers")
	f.BoolVar(&c.Align, "align", false, "CSV files may have their columns in different orders: put them into that of the first")
	f.Var(&missing, "missing", "where records without the key stand (default: they are an error)")
	f.BoolVar(&c.Sort, "sort", false, "sort, for files that are not sorted")
	f.StringVar(&c.Dedupe, "dedupe", "", "keep only the first record of each KEY: columns, or line")
	f.Var(&memory, "memory", "working memory, whatever the size of the files")
	f.StringVar(&c.Temp, "temp", "", "folder for temporary files (default the system's)")
	f.Var(&maxRecord, "max-record", "longest record")
	f.IntVar(&c.FanIn, "fan-in", 0, "files merged at once (default as many as descriptors and memory allow)")
	f.BoolVar(&c.NoBatch, "no-batch", false, "do not look for runs: to measure what they save")
	f.Lookup("no-batch").Hidden = true
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "tmp" { // as other verbs call it
			name = "temp"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}

func parseDelimiter(s string) (byte, error) {
	switch d := strings.ReplaceAll(s, `\t`, "\t"); len(d) {
	case 0:
		return 0, nil
	case 1:
		return d[0], nil
	}
	return 0, usageError(fmt.Errorf("--delimiter %q: must be one character", s))
}

// mergeLogsError gives the errors of merging logs their exit status.
func mergeLogsError(err error) error {
	var usage *logs.UsageError
	var input *logs.InputError
	switch {
	case errors.As(err, &usage):
		return usageError(err)
	case errors.As(err, &input):
		return inputError(err)
	}
	return err
}

func writeMergeLogs(w io.Writer, out string, r logs.Report) error {
	fmt.Fprintf(w, "%s: %s of %s in the order of %s\n", outName(out), counted(r.Written, "record", "records"), counted(int64(r.Files), "file", "files"), r.KeyType)
	if r.DuplicatesRemoved > 0 {
		fmt.Fprintf(w, "%s removed of %d records\n", counted(r.DuplicatesRemoved, "duplicate", "duplicates"), r.Records)
	}
	if r.Passes > 1 {
		fmt.Fprintf(w, "%d passes: there were more files than can be merged at once\n", r.Passes)
	}
	return nil
}

func outName(out string) string {
	if out == "-" {
		return "standard output"
	}
	return out
}
