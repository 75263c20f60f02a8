package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// print writes the result: one JSON object with --json, text otherwise.
func (a *app) print(value any, text func(io.Writer) error) error {
	w := bufio.NewWriter(a.Stdout)
	var err error
	if a.json {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		err = enc.Encode(value)
	} else {
		err = text(w)
	}
	if err != nil {
		return err
	}
	return w.Flush()
}

// warn puts each warning on a line of its own, on stderr.
func (a *app) warn(warnings []string) {
	for _, w := range warnings {
		fmt.Fprintf(a.Stderr, "holdfast: warning: %s\n", w)
	}
}
