package flakyhttp_test

import (
	"context"
	"fmt"
	"net/http"

	"holdfast/lab/flakyhttp"
)

func Example() {
	s, err := flakyhttp.Start(flakyhttp.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	for range 2 {
		r, err := http.Get(s.URL() + "/fault/seq/a/503,200")
		if err != nil {
			fmt.Println(err)
			return
		}
		r.Body.Close()
		fmt.Println("the client got", r.StatusCode)
	}
	s.Ledger.Wait(context.Background())
	for _, e := range s.Ledger.Entries() {
		fmt.Println("the server sent", e.Status, e.End)
	}
	// Output:
	// the client got 503
	// the client got 200
	// the server sent 503 complete
	// the server sent 200 complete
}
