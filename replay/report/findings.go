package report

import (
	"encoding/json"
	"io"

	"holdfast/replay"
)

// WriteFindings writes findings.json, the object that `audit --json` prints.
// Members stand in the documented order, maps are sorted by name, a list is
// [] and never null, and < > & are escaped, so that no text in it can end a
// script of a page that it is pasted into.
func WriteFindings(w io.Writer, s *replay.Summary) error {
	full := *s
	full.Assumptions = listed(s.Assumptions)
	full.Bursts = listed(s.Bursts)
	full.ReplayWindows = listed(s.ReplayWindows)
	full.Chance = listed(s.Chance)
	full.Warnings = listed(s.Warnings)
	full.Causes = mapped(s.Causes)
	full.Other = mapped(s.Other)
	full.Clock = mapped(s.Clock)
	b, err := json.MarshalIndent(&full, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func mapped[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
