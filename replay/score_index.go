package replay

func (r Row) values() Values   { return Values{r.Symbol, r.Time, r.Price} }
func (e Event) values() Values { return Values{e.Symbol, e.Time, e.Price} }

// idIndex numbers the ids of events in the order of their first appearance.
type idIndex map[string]int32

func newIDIndex(events []Event) idIndex {
	x := make(idIndex, len(events))
	for _, e := range events {
		if _, ok := x[e.ID]; !ok {
			x[e.ID] = int32(len(x))
		}
	}
	return x
}

func (x idIndex) len() int { return len(x) }

func (x idIndex) find(id string) int32 {
	if i, ok := x[id]; ok {
		return i
	}
	return noIndex
}

// eventSets groups the events that no row can tell apart: same symbol, time
// and price (R30).
type eventSets struct {
	byValues map[Values]int32 // set
	of       []int32          // set of an event, by event number
	size     []int32          // events in a set
}

func newEventSets(events []Event, ids idIndex) eventSets {
	s := eventSets{byValues: make(map[Values]int32, len(events)), of: make([]int32, ids.len())}
	for i := range s.of {
		s.of[i] = noIndex
	}
	for _, e := range events {
		id := ids.find(e.ID)
		if s.of[id] != noIndex {
			continue // the id stands twice in the log: once in a set
		}
		set, ok := s.byValues[e.values()]
		if !ok {
			set = int32(len(s.size))
			s.byValues[e.values()] = set
			s.size = append(s.size, 0)
		}
		s.of[id] = set
		s.size[set]++
	}
	return s
}

// exact is the set of events that a row with these values repeats exactly, or noIndex.
func (s *eventSets) exact(v Values) int32 {
	if set, ok := s.byValues[v]; ok {
		return set
	}
	return noIndex
}

// rowClusters is a union-find over row indices.
type rowClusters []int32

func newRowClusters(n int) rowClusters {
	c := make(rowClusters, n)
	for i := range c {
		c[i] = int32(i)
	}
	return c
}

// root is the row that stands for i's cluster: its earliest.
func (c rowClusters) root(i int32) int32 {
	for c[i] != i {
		c[i] = c[c[i]]
		i = c[i]
	}
	return i
}

func (c rowClusters) join(a, b int32) {
	a, b = c.root(a), c.root(b)
	c[max(a, b)] = min(a, b)
}
