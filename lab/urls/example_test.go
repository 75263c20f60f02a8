package urls_test

import (
	"fmt"
	"math/big"

	"holdfast/lab/urls"
)

func Example() {
	p := urls.NewProvider(big.NewInt(42), 20)
	v := urls.NewValidator(p)
	for url, ok := p.Next(); ok; url, ok = p.Next() {
		b, _ := p.Behavior(url)
		if b.ShouldRetry {
			continue // a client that forgets the URLs that fail
		}
		for _, name := range b.ExpectedCallbacks {
			v.AddCallback(url, name)
		}
	}
	r := v.Validate()
	fmt.Printf("%d of %d passed\n", r.Passed, r.Total)
	fmt.Println(r.Failures[0].URL, "misses", r.Failures[0].Missing)
	// Output:
	// 17 of 20 passed
	// https://httpbin.org/status/500?_id=9 misses [on_server_error]
}
