package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/merge"
	"holdfast/merge/runner"
	"holdfast/replay/ingest"
)

func newMergeExplain(a *app) *cobra.Command {
	var job explainJob
	cmd := &cobra.Command{
		Use:   "explain LOG... | --nats URL --job J",
		Short: "The messages of a log mailbox, in words",
		Long: `Decodes every message, also of logs that are damaged or not complete. The logs of
both workers help each other: name both. A log is called after the part of its
name before _to_, else A and B in the order of the command line. Of a slot
mailbox, explain what the worker read: its state file with .in behind it.

With --nats, those of a job of merge worker --nats, in the order in which they
came, each with its sequence.`,
		Example: `  holdfast merge pair a.txt b.txt -o out.txt --dir work
  holdfast merge explain work/A_to_B.msg work/B_to_A.msg
  holdfast merge explain --nats nats://127.0.0.1:4222 --job nightly`,
		Args: args(0, 1000, "mailbox logs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if job.access.a.URL != "" || job.job != "" {
				return job.run(cmd.Context(), a, args)
			}
			if len(args) == 0 {
				return usageError(errors.New("name mailbox logs, or --nats URL and --job J"))
			}
			return explainLogs(cmd.Context(), a, args)
		},
	}
	job.add(cmd.Flags())
	return cmd
}

// explainedMessage is one line of a log.
type explainedMessage struct {
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Type   string   `json:"msg_type"`
	Values []int32  `json:"values"`
	Error  string   `json:"error,omitempty"` // why it cannot be read
	Words  []string `json:"words"`
}

func explainLogs(ctx context.Context, a *app, paths []string) error {
	var logs []merge.Log
	var all [][]explainedMessage
	bad := 0
	for i, path := range paths {
		lines, err := readMessages(ctx, path)
		if err != nil {
			return err
		}
		log := merge.Log{From: senderOf(path, i)}
		for _, m := range lines {
			log.Messages = append(log.Messages, merge.Message{Type: m.Type, Values: m.Values})
			if m.Error != "" {
				bad++
			}
		}
		logs, all = append(logs, log), append(all, lines)
	}
	for i, words := range merge.Explain(logs...) {
		for j, w := range words {
			if all[i][j].Words = []string{w}; w == "" {
				all[i][j].Words = nil
			}
		}
	}
	type result struct {
		Messages []explainedMessage `json:"messages"`
	}
	r := result{Messages: []explainedMessage{}}
	for _, m := range all {
		r.Messages = append(r.Messages, m...)
	}
	err := a.print(r, func(w io.Writer) error { return writeExplained(w, paths, all) })
	if err == nil && bad > 0 {
		return notHeld(fmt.Errorf("%s cannot be read", plural(int64(bad), "message")))
	}
	return err
}

func senderOf(path string, i int) string {
	if from, _, ok := strings.Cut(filepath.Base(path), "_to_"); ok && from != "" {
		return from
	}
	return string(rune('A' + i%26))
}

// readMessages reads a log; what is not a message is kept as an error.
func readMessages(ctx context.Context, path string) ([]explainedMessage, error) {
	f, err := ingest.Open(ctx, path)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	var all []explainedMessage
	for n, line := range bytes.SplitAfter(text, []byte{'\n'}) {
		if len(line) == 0 {
			continue
		}
		e := explainedMessage{File: path, Line: n + 1, Values: []int32{}}
		m, err := runner.ParseLine(line)
		switch {
		case err != nil:
			e.Error = err.Error()
		case !bytes.HasSuffix(line, []byte{'\n'}):
			e.Error = "the line has no end yet"
		default:
			e.Type, e.Values = m.Type, m.Values
		}
		all = append(all, e)
	}
	return all, nil
}

func writeExplained(w io.Writer, paths []string, all [][]explainedMessage) error {
	for i, path := range paths {
		fmt.Fprintf(w, "%s\n", path)
		for _, m := range all[i] {
			text := strings.Join(m.Words, " ")
			if m.Error != "" {
				text = "unreadable: " + m.Error
			}
			if _, err := fmt.Fprintf(w, "%6d  %s\n", m.Line, text); err != nil {
				return err
			}
		}
	}
	return nil
}
