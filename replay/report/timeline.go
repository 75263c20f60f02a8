package report

import (
	"io"
	"strconv"

	"holdfast/replay"
)

const timelineHeader = "event_id,attempt,worker_id,start_time,end_time,status,duration_ms,lane,retry,retry_kind,gap_ms," +
	"overlap_group,overlaps_with,fate,rows,symbol,event_time,notes"

// Bar is an attempt and the lane of its worker in which it is drawn.
type Bar struct {
	replay.TimelineEntry
	Lane int
}

// NewTimeline writes timeline.csv: every attempt in its context.
//
//	end_time, duration_ms   empty for an open attempt; no duration either if it ends before it starts
//	gap_ms                  start less the end of the attempt before; negative when they overlap
//	overlap_group           of the event, from 1; empty if the attempt overlaps none
//	overlaps_with, rows     lists of attempt numbers and of row numbers, of at most 64;
//	                        the note overlaps-more:N or rows-more:N says how many are left out
func NewTimeline(w io.Writer, o CSVOptions) *Table[Bar] {
	return newTable(w, o, timelineHeader, func(c *cells, b Bar) {
		c.text(b.Event)
		c.int(int64(b.Number))
		c.text(b.Worker)
		c.time(b.Start)
		c.ending(&b.Attempt)
		c.int(int64(b.Lane))
		c.int(int64(b.Retry))
		c.text(b.Kind.String())
		c.gap(&b.TimelineEntry)
		c.rowNumber(int64(b.OverlapGroup))
		c.numbers(b.OverlapsWith)
		c.text(b.FateText())
		c.rowList(b.Rows)
		c.event(&b.TimelineEntry)
		c.list(notes(&b.TimelineEntry))
	})
}

// ending writes end_time, status and duration_ms.
func (c *cells) ending(a *replay.Attempt) {
	if a.Open {
		c.none()
	} else {
		c.time(a.End)
	}
	c.text(a.Status.String())
	if d, ok := a.Duration(); ok {
		c.millis(d)
	} else {
		c.none()
	}
}

func (c *cells) gap(e *replay.TimelineEntry) {
	if e.HasGap {
		c.millis(e.Gap)
	} else {
		c.none()
	}
}

// event writes symbol and event_time.
func (c *cells) event(e *replay.TimelineEntry) {
	if e.HasEvent {
		c.text(e.Symbol)
		c.time(e.EventTime)
	} else {
		c.none()
		c.none()
	}
}

func notes(e *replay.TimelineEntry) []string {
	list := e.Notes
	if e.OverlapsMore > 0 {
		list = append(list[:len(list):len(list)], "overlaps-more:"+strconv.Itoa(e.OverlapsMore))
	}
	if e.RowsMore > 0 {
		list = append(list[:len(list):len(list)], "rows-more:"+strconv.Itoa(e.RowsMore))
	}
	return list
}
