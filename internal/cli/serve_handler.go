package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"holdfast/replay/tick"
)

// reportHandler serves the files of one audit to a browser of this machine.
type reportHandler struct{ dir, host string }

// auditFiles are the only names it answers to, with their types.
var auditFiles = map[string]string{
	"report.html": "text/html; charset=utf-8", "findings.json": "application/json", "trace.json": "application/json",
	"whatif.csv": "text/csv; charset=utf-8", "duplicates.csv": "text/csv; charset=utf-8", "timeline.csv": "text/csv; charset=utf-8",
	"removed.csv": "text/csv; charset=utf-8", "rejected.csv": "text/csv; charset=utf-8", "duplication_analysis.csv": "text/csv; charset=utf-8",
	"duplication_summary.csv": "text/csv; charset=utf-8", "deduplicated_output.csv": "text/csv; charset=utf-8",
	"incident.md": "text/plain; charset=utf-8", "future_improvements.md": "text/plain; charset=utf-8",
	"timeline_visualization.ipynb": "application/x-ipynb+json", "deduplicate_stream.py": "text/plain; charset=utf-8",
}

func (h *reportHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !h.own(r.Host): // another site's page must not read an incident by a name that leads here
		http.Error(w, "this server answers only to its own address", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
	case r.URL.Path == "/api/attempts":
		h.attempts(w, r)
	default:
		h.file(w, r)
	}
}

// own reports that the Host header names the address that is listened on.
func (h *reportHandler) own(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return false
	}
	_, own, _ := net.SplitHostPort(h.host)
	ip := net.ParseIP(name)
	return port == own && (name == "localhost" || ip != nil && ip.IsLoopback())
}

func (h *reportHandler) file(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[1:]
	if name == "" {
		name = "report.html"
	}
	kind, known := auditFiles[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	f, err := os.Open(filepath.Join(h.dir, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, name, info.ModTime(), f)
}

// mostAttempts bounds one answer of /api/attempts.
const mostAttempts = 10_000

// attempts answers with the lines of timeline.csv that start in [from, to).
func (h *reportHandler) attempts(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, to, limit, err := attemptsQuery(q.Get("from"), q.Get("to"), q.Get("limit"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f, err := os.Open(filepath.Join(h.dir, "timeline.csv"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	list, more, err := readAttempts(f, from, to, limit)
	if err != nil {
		http.Error(w, "timeline.csv: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Attempts []map[string]string `json:"attempts"`
		More     bool                `json:"more"`
	}{list, more})
}

func attemptsQuery(from, to, limit string) (a, b tick.Nanos, n int, err error) {
	a, b, n = -1<<62, 1<<62, 1000
	for _, x := range []struct {
		text string
		to   *tick.Nanos
	}{{from, &a}, {to, &b}} {
		if x.text == "" {
			continue
		}
		if *x.to, _, err = tick.ParseTime([]byte(x.text), tick.Zone{}); err != nil {
			return 0, 0, 0, errors.New("from and to are RFC 3339 times")
		}
	}
	if limit != "" {
		if n, err = strconv.Atoi(limit); err != nil || n < 1 || n > mostAttempts {
			return 0, 0, 0, errors.New("limit is 1 to " + strconv.Itoa(mostAttempts))
		}
	}
	return a, b, n, nil
}

// readAttempts reads lines by start, which is how timeline.csv is sorted.
func readAttempts(r io.Reader, from, to tick.Nanos, limit int) (list []map[string]string, more bool, err error) {
	list = []map[string]string{}
	in := csv.NewReader(r)
	in.ReuseRecord = true
	record, err := in.Read()
	if err != nil {
		return nil, false, err
	}
	header := slices.Clone(record)
	at := slices.Index(header, "start_time")
	if at < 0 {
		return nil, false, errors.New("no column start_time")
	}
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return list, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		start, _, err := tick.ParseTime([]byte(record[at]), tick.Zone{})
		switch {
		case err != nil:
			return nil, false, err
		case start < from:
			continue
		case start >= to:
			return list, false, nil
		case len(list) == limit:
			return list, true, nil
		}
		a := make(map[string]string, len(header))
		for i, name := range header {
			if record[i] != "" {
				a[name] = record[i]
			}
		}
		list = append(list, a)
	}
}
