package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// attack is what `vegeta attack -rate 0 -max-workers N` does, in a process of
// its own: the library is vegeta's, its program is only flags around it. As
// there, each result is encoded and written.
func attack(url string, requests, workers int) error {
	out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	encode := vegeta.NewEncoder(w)
	var sent atomic.Int64
	targets := func(t *vegeta.Target) error {
		if sent.Add(1) > int64(requests) {
			return vegeta.ErrNoTargets
		}
		t.Method, t.URL = "GET", url
		return nil
	}
	attacker := vegeta.NewAttacker(vegeta.Workers(uint64(workers)), vegeta.MaxWorkers(uint64(workers)), vegeta.Connections(workers), vegeta.HTTP2(false))
	succeeded := 0
	for r := range attacker.Attack(targets, vegeta.Rate{}, 0, "bench") {
		if err := encode(r); err != nil {
			return err
		}
		if r.Code == 200 {
			succeeded++
		}
	}
	if succeeded != requests {
		return fmt.Errorf("%d of %d succeeded", succeeded, requests)
	}
	return w.Flush()
}

// runAttack is attack with the arguments of this process.
func runAttack(args []string) error {
	requests, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	workers, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return attack(args[0], requests, workers)
}
