package pyrand_test

import (
	"fmt"

	"holdfast/internal/pyrand"
)

// The same as in Python:
//
//	r = random.Random(42)
//	print(r.randint(0, 999999), r.random())
func Example() {
	r := pyrand.NewInt(42)
	n := r.Between(0, 999999)
	fmt.Println(n, string(pyrand.AppendRepr(nil, r.Random())))
	// Output: 670487 0.11133106816568039
}
