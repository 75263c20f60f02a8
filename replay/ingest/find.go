package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"holdfast/internal/stream"
)

// Roles are the paths of the three files; "" for one that is not there.
type Roles struct{ Events, Workers, Output string }

// Find finds the three files of an incident in a folder by name (R1): compressed
// or not, and behind any digits, "_" and "-", as in 02-worker_logs.csv.gz.
// Folders within it are not looked at. Two candidates for one role are a
// *UsageError, a folder that cannot be read an *InputError. Whether it is an
// error that a file is not there is the caller's business: a flag may name it.
func Find(dir string) (Roles, error) { return Roles{}.Fill(dir) }

// Fill finds those of the files that r does not name, as Find does. So a file
// that is named already may have rivals in the folder.
func (r Roles) Fill(dir string) (Roles, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return r, unusable(stream.Unreadable(dir, err))
	}
	found := r
	for _, e := range entries {
		named, role := r.role(&found, e.Name())
		path := filepath.Join(dir, e.Name())
		if role == nil || named != "" || isDir(path) {
			continue
		}
		if *role != "" {
			return r, &UsageError{
				Reason: fmt.Sprintf("both %s and %s may be meant", oneLine(*role), oneLine(path)),
				Hint:   "name one with --events, --workers or --output, or move the other away",
			}
		}
		*role = path
	}
	return found, nil
}

// role returns what r has for the role that a file of that name plays, and
// where found keeps it; nil if it plays none.
func (r Roles) role(found *Roles, name string) (named string, role *string) {
	if plain, ok := strings.CutSuffix(name, ".gz"); ok {
		name = plain
	} else {
		name = strings.TrimSuffix(name, ".zst")
	}
	switch strings.TrimLeft(name, "0123456789_-") {
	case "raw_tick_events.log", "raw_tick_events.jsonl":
		return r.Events, &found.Events
	case "worker_logs.csv":
		return r.Workers, &found.Workers
	case "final_output.csv":
		return r.Output, &found.Output
	}
	return "", nil
}

// isDir follows links; what cannot be looked at is left for Open to tell.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
