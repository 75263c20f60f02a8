package extsort

// A layout divides the memory of a sorter. While records are added:
//
//	arena  index  scratch   arena  index      chunks
//	└─ filling batch ─┘     └─ settling ─┘    └─ sorted runs in memory ─┘
//
// and after the last one all of it is for chunks, or for read buffers.
type layout struct {
	arena  int   // bytes of records in a batch; small enough that sorting stays in the cache
	index  int   // records in a batch
	chunk  int   // bytes of a piece of a run in memory
	chunks int64 // bytes of runs in memory before they are spilled
	spill  int   // bytes of the write buffer of a spill
	fanIn  int   // runs merged at once
	window int   // bytes of one run's read buffer, at least
	read   int64 // bytes of all read buffers of one merge
}

func newLayout(memory int64) layout {
	arena := int(min(memory/8, 1<<20))
	l := layout{
		arena: arena,
		index: arena / 32,
		chunk: min(arena/8, 32<<10),
		spill: min(arena/2, 256<<10),
		read:  memory / 2,
	}
	l.chunks = memory - int64(l.batches()+l.spill)
	// Few runs get large windows, many runs small ones, but never so small
	// that the disk only seeks.
	l.fanIn = int(min(max(l.read/maxWindow, minFanIn), maxFanIn))
	l.window = int(min(l.read/int64(l.fanIn), maxWindow))
	return l
}

// batches is the memory of two batches (an arena, and half of that for the
// index) and of the scratch for sorting one index.
func (l layout) batches() int { return 2*(l.arena+l.arena/2) + l.arena/2 }

// windowFor is the size of a read buffer when that many runs are merged.
func (l layout) windowFor(runs int) int {
	return max(l.window, int(min(l.read/int64(runs), largeWindow)))
}

// A fan-in of minFanIn needs two passes only beyond 32 times the memory;
// beyond maxFanIn the comparisons of a record cost more than another pass.
const (
	minFanIn  = 32
	maxFanIn  = 1024
	maxWindow = 64 << 10 // that a larger fan-in leaves to each run

	largeWindow = 256 << 10 // beyond it reading gets no faster
)
