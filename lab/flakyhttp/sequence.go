package flakyhttp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Bounds of what is remembered from request to request.
const (
	maxIDs   = 10_000
	maxSteps = 1_000
)

// memory counts requests by id. It is the only thing that a request leaves
// behind, so the number of ids is bounded.
type memory struct {
	mu    sync.Mutex
	count map[string]int64
}

func newMemory() *memory { return &memory{count: map[string]int64{}} }

// next is how many requests with this id came before.
func (m *memory) next(id string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, known := m.count[id]
	if !known && len(m.count) >= maxIDs {
		return 0, fmt.Errorf("%d ids are in use, which is the most: use one again, or start the server anew", maxIDs)
	}
	m.count[id] = n + 1
	return n, nil
}

// prepareSequence reads ID/STEP,STEP,... and picks the step whose turn it is.
// All steps are checked before any is done.
func (s *Server) prepareSequence(rest string) (action, error) {
	id, list, ok := strings.Cut(rest, "/")
	if !ok || list == "" {
		return nil, fmt.Errorf("seq: use %sseq/ID/STEP,STEP,..., such as %sseq/a/503,reset,200", faultPrefix, faultPrefix)
	}
	if err := checkID(id); err != nil {
		return nil, fmt.Errorf("seq: %w", err)
	}
	if n := strings.Count(list, ",") + 1; n > maxSteps {
		return nil, fmt.Errorf("seq: %d steps: at most %d", n, maxSteps)
	}
	var steps []action
	for i, text := range strings.Split(list, ",") {
		do, err := parseStep(text)
		if err != nil {
			return nil, fmt.Errorf("seq: step %d: %w", i+1, err)
		}
		steps = append(steps, do)
	}
	return func(e *exchange) {
		n, err := e.s.memory.next("seq/" + id)
		if err != nil {
			e.refuse(http.StatusBadRequest, err)
			return
		}
		steps[min(n, int64(len(steps))-1)](e)
	}, nil
}

// parseStep reads WORD;name=value;... with everything escaped as in a path.
func parseStep(text string) (action, error) {
	word, rest, _ := strings.Cut(text, ";")
	given := url.Values{}
	for rest != "" {
		var pair string
		pair, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.PathUnescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = url.PathUnescape(value); err != nil {
			return nil, err
		}
		given.Add(name, value)
	}
	if f, known := findFault(word); known {
		return f.checked(given)
	}
	if word == "" || word[0] < '0' || word[0] > '9' {
		return nil, fmt.Errorf("%s is neither a status nor a fault: GET %s lists them", clip(word), faultPrefix)
	}
	return prepareStep(word, given)
}
