// Package trial puts a guard to the test: a stream in which keys come again
// and again, some with another body, and a count of what the sink made of it.
//
// It promises to publish what a seed says, and to judge from the sink's bodies
// alone, which no relay can have written without being told. It starts and
// kills nothing: its caller does.
//
// Call [New], [Trial.Publish] for each part of the [Plan], [Trial.Idle] until it
// is, then [Trial.Judge].
package trial

import (
	"fmt"
	"math/rand/v2"
)

// A Plan is what to publish, in order. Each key comes at least once.
type Plan struct {
	Keys      int
	First     []string // every key, once
	Repeats   []string // some keys again, with the same body or, a few, another
	Conflicts int      // keys that come with another body
}

// Fields is the key of a plan's messages. The number is spelled in two ways.
const Fields = "id,n"

// NewPlan gives the plan of a seed: half of the keys come again, up to three
// times; one key in fifty comes with another body.
func NewPlan(seed uint64, keys int) Plan {
	rng := rand.New(rand.NewPCG(seed, 5))
	p := Plan{Keys: keys}
	for i := range keys {
		body := fmt.Sprintf(`{"id":"k%d","n":%d,"v":"first"}`, i, i%1000)
		p.First = append(p.First, body)
		switch {
		case rng.IntN(50) == 0:
			p.Conflicts++
			p.Repeats = append(p.Repeats, fmt.Sprintf(`{"id":"k%d","n":%d.0,"v":"other"}`, i, i%1000))
		case rng.IntN(2) == 0:
			for range 1 + rng.IntN(3) {
				p.Repeats = append(p.Repeats, body)
			}
		}
	}
	rng.Shuffle(len(p.First), func(i, j int) { p.First[i], p.First[j] = p.First[j], p.First[i] })
	rng.Shuffle(len(p.Repeats), func(i, j int) { p.Repeats[i], p.Repeats[j] = p.Repeats[j], p.Repeats[i] })
	return p
}

// Mixed gives all messages in one order, repeats among firsts.
func (p Plan) Mixed(seed uint64) []string {
	all := append(append([]string(nil), p.First...), p.Repeats...)
	rng := rand.New(rand.NewPCG(seed, 6))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}
