package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"holdfast/fetch"
	"holdfast/lab/flakyhttp"
	"holdfast/lab/urls"
)

// fetchLabFlags fetch the lab's URL set from an embedded server.
type fetchLabFlags struct {
	set    urlSetFlags
	ledger string
}

func (l *fetchLabFlags) add(f *pflag.FlagSet) {
	l.set.add(f, "lab-seed", "")
	f.Lookup("lab-seed").Usage = "fetch the lab's URL set of this seed from an embedded server, and validate; random draws one and tells it"
	f.Lookup("count").Usage = "with --lab-seed: size of the set; the classes are rounded down one by one, so 50 gives 48 URLs"
	f.Lookup("base").Usage = "with --lab-seed: a server that runs already, instead of the embedded one"
	f.StringVar(&l.ledger, "ledger", "", "with --lab-seed: file of the server's own record of requests; written, or, with --base, read")
}

// labKeyword is what one class of the lab's URLs has in its bodies.
const labKeyword = "Herman"

// runLab fetches the lab's URLs and holds what came out against what had to.
func (f *fetchFlags) runLab(ctx context.Context, a *app) error {
	config, err := f.config()
	if err != nil {
		return usageError(err)
	}
	base := f.lab.set.base
	var server *flakyhttp.Server
	if base == "" {
		if server, err = flakyhttp.Start(flakyhttp.Config{LedgerFile: f.lab.ledger}); err != nil {
			return err
		}
		defer server.Close()
		base = server.URL()
	} else if base, err = checkBase(base); err != nil {
		return err
	}
	provider, err := f.lab.set.provider(a, base)
	if err != nil {
		return err
	}
	config.Keywords = append(config.Keywords, labKeyword)
	config.AttemptHeader = true
	r, err := f.open(a, config)
	if err != nil {
		return err
	}
	s, err := r.fetchAll(ctx, a, &labURLs{p: provider})
	r.close()
	if err != nil {
		return f.tell(a, s, err)
	}
	return f.validate(a, server, provider, config, s)
}

// labURLs is the provider as a list. A port that is another one tomorrow does
// not make another list.
type labURLs struct {
	p *urls.Provider
	n int64
}

// Inputs counts the URLs given out.
func (l *labURLs) Inputs() fetch.Inputs { return fetch.Inputs{Lines: l.n} }

// Next implements fetch.Source.
func (l *labURLs) Next() (fetch.Unit, error) {
	u, ok := l.p.Next()
	if !ok {
		return fetch.Unit{}, io.EOF
	}
	l.n++
	_, rest := urls.SplitBase(u)
	return fetch.Unit{Request: fetch.Request{URL: u, Line: l.n, Identity: "lab" + rest}}, nil
}

// checkLab refuses what --lab-seed cannot do.
func (f *fetchFlags) checkLab() error {
	switch {
	case f.log == "-":
		return errors.New("--lab-seed validates the log: name a file with --log")
	case f.resume && f.lab.set.base == "":
		return errors.New("--resume with --lab-seed needs --base: the embedded server of that log is gone")
	}
	return nil
}

// parseSeed reads a seed of 64 bits, or draws one.
func parseSeed(text string) (uint64, error) {
	if text == "random" {
		var b [8]byte
		rand.Read(b[:])
		return binary.LittleEndian.Uint64(b[:]), nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("--seed %q: use a number from 0 to 2^64-1, or random", text)
	}
	return n, nil
}
