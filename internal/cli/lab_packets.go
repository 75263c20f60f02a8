package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"holdfast/internal/vfs"
	"holdfast/lab/lossy"
)

// packetsReport is what the lab's source is, and how far it was read.
type packetsReport struct {
	Seed        string `json:"seed"`
	Generated   int    `json:"generated"`
	Deliverable int    `json:"deliverable"`
	Deliveries  int    `json:"total_deliveries"`
	Position    int    `json:"position"`
	Terminated  bool   `json:"terminated"`
	Corrupted   int    `json:"corrupted_deliveries"`
}

func newLabPackets(a *app) *cobra.Command {
	var (
		lab         labFlags
		emit, trace string
		demo        bool
	)
	cmd := &cobra.Command{
		Use:   "packets",
		Short: "Make the faulty packet source of record: late, twice, damaged, lost packets",
		Long: `Generates the packets of a seed, or opens those that are there, and keeps the
three files of the source in --state-dir, where record --source lab goes on.

  --emit F    writes the delivery queue, one JSON object a line, and keeps no files
  --trace F   receives to the end and writes each delivery as it comes; exit 1
              where the source ends the process
  --demo      prints the six lines of the reference's demo`,
		Example: `  holdfast lab packets --seed 42 --state-dir state
  holdfast lab packets --seed 42 --packets 100 --demo
  holdfast lab packets --seed 42 --emit - | holdfast record --source jsonl -i - --log events.log`,
		Args: args(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := lab.config(a)
			if emit != "" && trace != "" || demo && emit+trace != "" {
				return usageError(errors.New("--emit, --trace and --demo: only one of them"))
			}
			switch {
			case demo:
				return recordError(lossy.Demo(a.Stdout, c.Seed, c.TotalPackets, ""))
			case emit != "":
				stream, err := lossy.Generate(c)
				if err != nil {
					return recordError(err)
				}
				return a.toFile(emit, stream.Emit)
			}
			src, err := lossy.New(c)
			if err != nil {
				return recordError(err)
			}
			if trace != "" {
				err := a.toFile(trace, func(w io.Writer) error { return lossy.Trace(cmd.Context(), src, w) })
				if errors.Is(err, lossy.ErrTerminated) {
					a.Exit(ExitNotHeld)
				}
				return recordError(err)
			}
			r := reportPackets(src)
			return a.print(r, r.write)
		},
	}
	f := cmd.Flags()
	lab.add(f)
	f.StringVar(&emit, "emit", "", "write the delivery queue to this file, - for standard output")
	f.StringVar(&trace, "trace", "", "write the deliveries to this file, - for standard output")
	f.BoolVar(&demo, "demo", false, "print the six lines of the reference's demo")
	return cmd
}

// toFile writes a file that appears whole, or standard output.
func (a *app) toFile(path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(a.Stdout)
	}
	out, err := vfs.Create(vfs.OS{}, path)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := write(out); err != nil {
		return err
	}
	return out.Commit()
}

func reportPackets(src *lossy.Source) packetsReport {
	s := src.Stream()
	r := packetsReport{
		Seed: s.Seed.String(), Generated: len(src.GroundTruth()), Deliverable: s.Deliverable(),
		Deliveries: src.TotalDeliveries(), Position: src.Position(), Terminated: src.Terminated(),
	}
	for i := range s.Queue {
		if s.Queue[i].Corrupted {
			r.Corrupted++
		}
	}
	return r
}

func (r packetsReport) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "seed %s: %d packets generated, %d of them delivered at all, %d deliveries, %d of them damaged; %d delivered so far\n",
		r.Seed, r.Generated, r.Deliverable, r.Deliveries, r.Corrupted, r.Position)
	return err
}
