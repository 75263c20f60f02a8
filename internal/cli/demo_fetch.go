package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// self runs this program as another process, and reads the object that it
// prints with --json.
func (j *journey) self(ctx context.Context, into any, args ...string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	var out, words bytes.Buffer
	c := exec.CommandContext(ctx, program, append(args, "--json", "--quiet")...)
	c.Args[0] = os.Args[0]
	c.Stdout, c.Stderr = &out, &words
	err = c.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != ExitNotHeld) {
		return fmt.Errorf("%s: %w: %s", args[0], err, strings.TrimSpace(words.String()))
	}
	return json.Unmarshal(out.Bytes(), into)
}

// demoFetch fetches the lab's URLs from a server that fails on purpose.
func demoFetch(ctx context.Context, j *journey) ([]claim, error) {
	dir := j.path("fetch")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var s struct {
		Extra struct {
			Validation struct {
				Total, Passed int64
				Extra         struct {
					Strict []struct {
						ID    string `json:"id"`
						Holds bool   `json:"holds"`
					} `json:"strict"`
				} `json:"extra"`
			} `json:"validation"`
		} `json:"extra"`
	}
	err := j.self(ctx, &s, "fetch", "--lab-seed", strconv.FormatUint(j.seed, 10),
		"--log", j.path("fetch", "fetch.jsonl"), "--summary", j.path("fetch", "summary.json"))
	if err != nil {
		return nil, err
	}
	v := &s.Extra.Validation
	held := 0
	for _, rule := range v.Extra.Strict {
		if rule.Holds {
			held++
		}
	}
	return []claim{
		equal("", "URLs with the outcome that their server was told to give", v.Total, v.Passed),
		equal("", "rules that log, summary and the server's own ledger keep", len(v.Extra.Strict), held),
	}, nil
}
