package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"holdfast/fetch"
	"holdfast/lab/fetchcheck"
	"holdfast/lab/flakyhttp"
	"holdfast/lab/flakyhttp/ledger"
	"holdfast/lab/urls"
)

// validate judges a fetch of the lab's URLs: its log, its summary and, where
// there is one, the server's ledger.
func (f *fetchFlags) validate(a *app, server *flakyhttp.Server, p *urls.Provider, c fetch.Config, s fetch.Summary) error {
	in := fetchcheck.Input{LogName: f.log, SummaryName: f.summary, LedgerName: f.lab.ledger}
	log, err := os.Open(f.log)
	if err != nil {
		return err
	}
	defer log.Close()
	in.Log = log
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	in.Summary = bytes.NewReader(text)
	if err := f.readLedger(server, &in); err != nil {
		return err
	}
	o := fetchcheck.Defaults()
	o.Policy, o.Jitter, o.Retries, o.Slow, o.Base = c.Policy.Name, c.Jitter.String(), c.Retries, c.Slow, f.lab.set.base
	o.Initial, o.Max, o.Multiplier, o.Keywords = c.InitialBackoff, c.MaxBackoff, c.Multiplier, f.keywords
	report, err := fetchcheck.Check(p, in, o)
	if err != nil {
		return err
	}
	s.Extra.Validation = &report
	if f.summary != "" {
		if err := writeJSON(f.summary, s); err != nil {
			return err
		}
	}
	err = a.print(s, func(w io.Writer) error {
		if err := s.WriteText(w); err != nil {
			return err
		}
		io.WriteString(w, "\n")
		return report.WriteText(w)
	})
	if err == nil && !report.Extra.Holds {
		return notHeld(errors.New(firstFinding(&report)))
	}
	return err
}

func (f *fetchFlags) readLedger(server *flakyhttp.Server, in *fetchcheck.Input) error {
	switch {
	case server != nil:
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Ledger.Wait(ctx); err != nil {
			return err
		}
		in.Ledger, in.HasLedger = server.Ledger.Entries(), true
	case f.lab.ledger != "":
		file, err := os.Open(f.lab.ledger)
		if err != nil {
			return inputError(err)
		}
		defer file.Close()
		in.HasLedger = true
		in.Ledger, in.LedgerBad, err = ledger.Read(file)
		return err
	}
	return nil
}
