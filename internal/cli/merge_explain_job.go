package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"holdfast/engine/mailbox"
	"holdfast/merge"
	"holdfast/merge/runner"
)

// explainJob are the flags of explain for a job on NATS.
type explainJob struct {
	access accessFlags
	gone   time.Duration
	job    string
}

func (e *explainJob) add(f *pflag.FlagSet) {
	e.access.add(f)
	addEngineTimeout(f, &e.gone)
	f.StringVar(&e.job, "job", "", "with --nats: name of the job")
}

func (e *explainJob) check(logs []string) error {
	switch {
	case len(logs) > 0:
		return errors.New("logs, or --nats URL and --job J: not both")
	case e.access.a.URL == "" || e.job == "":
		return errors.New("--nats URL and --job J go together")
	case e.gone <= 0:
		return errors.New("--engine-timeout: above 0")
	}
	if err := mailbox.CheckJob(e.job); err != nil {
		return fmt.Errorf("--job %w", err)
	}
	return nil
}

// storedMessage is one message of a job.
type storedMessage struct {
	Seq     uint64  `json:"seq"`
	Subject string  `json:"subject"`
	Type    string  `json:"msg_type"`
	Values  []int32 `json:"values"`
	Error   string  `json:"error,omitempty"` // why it cannot be read
	Words   string  `json:"words"`
}

func (e *explainJob) run(ctx context.Context, a *app, logs []string) error {
	if err := e.check(logs); err != nil {
		return usageError(err)
	}
	conn, err := e.access.connect(ctx, a, "holdfast merge explain "+e.job)
	if err != nil {
		return err
	}
	defer conn.Close()
	job, err := mailbox.Find(ctx, conn, e.job, e.gone)
	if err != nil {
		return jobError(err)
	}
	stored, err := job.Messages(ctx)
	if err != nil {
		return jobError(err)
	}
	all, bad := explainStored(stored, job.Of)
	result := struct {
		Messages []storedMessage `json:"messages"`
	}{all}
	err = a.print(result, func(w io.Writer) error {
		for _, m := range all {
			text := m.Words
			if m.Error != "" {
				text = "unreadable: " + m.Error
			}
			if _, err := fmt.Fprintf(w, "%6d  %s  %s\n", m.Seq, m.Subject, text); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && bad > 0 {
		return notHeld(fmt.Errorf("%s cannot be read", plural(int64(bad), "message")))
	}
	return err
}

// explainStored puts the messages of a job of so many workers into words.
func explainStored(stored []mailbox.Stored, workers int) (all []storedMessage, bad int) {
	logs := make([]merge.Log, workers)
	at := make([][]int, workers) // of each message of a log: which one of all
	for i := range logs {
		logs[i].From = strconv.Itoa(i)
		logs[i].To = []int{}
	}
	all = make([]storedMessage, 0, len(stored))
	for _, s := range stored {
		m := storedMessage{Seq: s.Seq, Subject: s.Subject, Values: []int32{}}
		message, err := runner.ParseMessage(s.Body, merge.MaxWords)
		from, to, foreign := mailbox.Parties(s.Subject, workers)
		switch {
		case foreign != nil:
			m.Error = foreign.Error()
		case err != nil:
			m.Error = err.Error()
			message = merge.Message{}
		default:
			m.Type, m.Values = message.Type, message.Values
		}
		if foreign == nil {
			logs[from].Messages = append(logs[from].Messages, message)
			logs[from].To = append(logs[from].To, to)
			at[from] = append(at[from], len(all))
		}
		if m.Error != "" {
			bad++
		}
		all = append(all, m)
	}
	for i, words := range merge.Explain(logs...) {
		for k, w := range words {
			all[at[i][k]].Words = w
		}
	}
	return all, bad
}
