package replay

import "holdfast/replay/tick"

// Answer is what an audit said of an incident, read back from the files it
// wrote.
type Answer struct {
	RowsIn   int64     // records of the output that the audit saw, rejected ones included
	Claims   []Claim   // duplicates.csv
	Links    []Link    // timeline.csv: which event has which row; a row may come more than once
	Removed  []int64   // removed.csv: rows that are not in the clean output, by N
	Rejected []int64   // removed.csv: records that could not be read
	Kept     []Values  // deduplicated_output.csv, in file order
	WhatIf   []Promise // whatif.csv; empty if it was not written
}

// Claim is a line of duplicates.csv: this row is a copy.
type Claim struct {
	Row    int64
	Values // the row's, as the audit saw them

	Events       []string // the event, or the set of events that nothing tells apart
	Canonical    int64
	Cause        string
	Alternatives []string // other causes that fit
	Label        Label
	Posterior    float64 // probability that the row belongs to Events
	HasPosterior bool
}

// Link says that a row belongs to an event.
type Link struct {
	Row   int64
	Event string
}

// Values are what a row or an event says. They do not say which one it is.
type Values struct {
	Symbol string
	Time   tick.Nanos
	Price  tick.Price
}

// Promise is a line of whatif.csv: how many duplicates a safeguard would have
// prevented, at least and at most.
type Promise struct {
	Safeguard string
	Parameter string
	Lo, Hi    int64
}
