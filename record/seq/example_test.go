package seq_test

import (
	"fmt"
	"time"

	"holdfast/record/seq"
)

func ExampleMachine() {
	m, err := seq.New(seq.Config{First: 42, BufferSize: 2, Source: seq.Caps{Requests: true}})
	if err != nil {
		fmt.Println(err)
		return
	}
	perform := func(r seq.Ready) {
		for _, line := range r.Write {
			fmt.Println("write", line.Seq, line.Status)
		}
		for _, q := range r.Request {
			fmt.Println("request", q.First, q.Count, q.Cause)
		}
	}
	begun, err := m.Start(0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	perform(begun)
	for i, sequence := range []uint64{42, 44, 43, 46} {
		at := time.Duration(i) * time.Millisecond
		perform(m.Packet(at, seq.Delivery{Packet: seq.Packet{Sequence: sequence}, Valid: true, At: at}))
	}
	perform(m.Tick(13 * time.Millisecond))
	perform(m.Packet(20*time.Millisecond, seq.Delivery{Packet: seq.Packet{Sequence: 45}, Origin: seq.Answer, Valid: true, At: 20 * time.Millisecond}))
	// Output:
	// write 42 OK
	// write 43 OK
	// write 44 OK
	// request 45 1 loss
	// write 45 RETRANSMIT
	// write 46 OK
}
