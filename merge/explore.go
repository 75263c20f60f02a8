package merge

// Exploration is what [Explore] found.
type Exploration struct {
	Pairs          int    `json:"pairs"`  // of lists
	States         int    `json:"states"` // different ones visited
	Counterexample string `json:"counterexample,omitempty"`
}

// Explore runs every interleaving of two workers, and a crash and restart at
// every point, for all pairs of lists of at most size values out of
// 0..2*size. The first run that does not end in the right output is the
// counterexample: lists and a schedule that [Replay] runs again.
func Explore(c Config, size int) (Exploration, error) { panic("soon") }

// Replay runs a counterexample again and tells what it shows.
func Replay(c Config, counterexample string) error { panic("soon") }
