package logs

import (
	"path/filepath"
	"strings"
)

// extensions tell the format of a file, without .gz and .zst.
var extensions = map[string]string{
	".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
	".txt": "text", ".log": "text",
}

func extension(path string) string {
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")
	return strings.ToLower(filepath.Ext(path))
}

// formatByName gives the format that the names agree on, "" if they say
// nothing.
func formatByName(paths []string) (string, error) {
	format, by := "", ""
	for _, path := range paths {
		switch f := extensions[extension(path)]; {
		case f == "" || f == format:
		case format == "":
			format, by = f, path
		default:
			return "", usage("%s looks like %s and %s like %s: use --format", by, format, path, f)
		}
	}
	return format, nil
}

// guess tells the format of a text from its beginning, and from what is asked
// for: "" if there is no text.
func (m *merge) guess(start []byte) string {
	start = []byte(strings.TrimLeft(strings.TrimPrefix(string(start), "\ufeff"), " \t\r\n"))
	byNumber := true
	if columns, err := parseColumns(m.By); m.By != "" && err == nil {
		for _, c := range columns {
			byNumber = byNumber && c.number() >= 0
		}
	}
	switch {
	case len(start) > 0 && start[0] == '{' && !byNumber:
		return "jsonl"
	case byNumber:
		return "text"
	}
	return "csv"
}
