package guard_test

import (
	"fmt"

	"holdfast/guard"
)

// One message: delivered, published, lost on the way, published again,
// answered, acknowledged.
func Example() {
	relay, err := guard.New(guard.Config{})
	if err != nil {
		panic(err)
	}
	show := func(e guard.Effects) { fmt.Println(e.Publish, e.AckSource) }
	show(relay.Step(0, guard.Input{Kind: guard.Fetched, ID: 7}))
	e := relay.Step(1e6, guard.Input{Kind: guard.SinkUnknown, ID: 7, Try: 1})
	show(e)
	show(relay.Step(e.Wake, guard.Input{Kind: guard.Tick}))
	show(relay.Step(e.Wake+1e6, guard.Input{Kind: guard.SinkAccepted, ID: 7, Try: 2}))
	// Output:
	// [{7 1}] []
	// [] []
	// [{7 2}] []
	// [] [{7 false}]
}

func ExampleFields_Key() {
	fields, err := guard.ParseFields("symbol,price")
	if err != nil {
		panic(err)
	}
	a, _ := fields.Key(guard.Message{Body: []byte(`{"symbol":"ACME","price":1.0}`)})
	b, _ := fields.Key(guard.Message{Body: []byte(`{"price":1,"symbol":"ACME","note":"again"}`)})
	fmt.Println(a.Text, a == b)
	// Output: symbol=ACME price=1 true
}
