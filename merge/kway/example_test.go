package kway_test

import (
	"fmt"

	"holdfast/merge/kway"
)

func Example() {
	sources := [][]string{{"ant", "bee", "bee"}, {"bee", "cow"}, {"ape", "cat"}}
	at := make([]int, len(sources))
	tree := kway.New(len(sources), func(i int) ([]byte, bool) {
		if at[i] == len(sources[i]) {
			return nil, false
		}
		return []byte(sources[i][at[i]]), true
	})
	for w := tree.Winner(); w >= 0; w = tree.Winner() {
		key := sources[w][at[w]]
		fmt.Println(key, "of source", w)
		if at[w]++; at[w] == len(sources[w]) {
			tree.Exhaust()
			continue
		}
		code, ok := kway.Next([]byte(key), []byte(sources[w][at[w]]))
		if !ok {
			fmt.Println("source", w, "is not sorted")
			return
		}
		tree.Advance(code)
	}
	// Output:
	// ant of source 0
	// ape of source 2
	// bee of source 0
	// bee of source 0
	// bee of source 1
	// cat of source 2
	// cow of source 1
}
