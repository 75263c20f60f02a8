package journal

import (
	"fmt"
	"time"
)

// Commit returns when the frames up to an LSN are durable at the level (D1):
// for None and Interval at once. Callers that come while a sync is under way
// share the next one, which the first of them makes for all. An error means
// that nothing is acknowledged any more, also nothing that an earlier Commit
// could have had (D3).
func (j *Journal) Commit(lsn LSN) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if next := j.next + j.pending; lsn >= next {
		panic(fmt.Sprintf("journal: commit of frame %d, next is %d", lsn, next))
	}
	if j.c.Level.survivesPower() {
		return j.syncTo(lsn)
	}
	return j.err
}

// syncTo waits for the sync of a frame, or makes it.
func (j *Journal) syncTo(lsn LSN) error {
	for j.err == nil && j.durable < lsn {
		if j.syncing {
			j.changed.Wait()
			continue
		}
		if err := j.flush(); err != nil {
			return j.failUnlessFull(err)
		}
		j.syncing = true
		err := j.syncSegment(true)
		j.syncing = false
		if err != nil {
			j.fail(err)
		}
		j.changed.Broadcast()
	}
	return j.err
}

func (j *Journal) waitForSync() {
	for j.syncing {
		j.changed.Wait()
	}
}

// syncSegment makes durable what the segment holds now. If shared, others may
// append meanwhile; syncing must be set.
func (j *Journal) syncSegment(shared bool) error {
	file, end, lsn, from := j.seg.file, j.seg.end, j.next-1, time.Now()
	if shared {
		j.mu.Unlock()
	}
	err := file.SyncData()
	if shared {
		j.mu.Lock()
	}
	if err != nil {
		return err
	}
	j.group = end - j.synced
	j.synced, j.durable = end, lsn
	j.testify()
	if j.c.OnSync != nil && j.group > 0 {
		j.c.OnSync(Sync{Durable: lsn, Bytes: j.group, Took: time.Since(from)})
	}
	return nil
}

// arm sees to it that frames which nobody commits are synced in time.
func (j *Journal) arm() {
	if j.timer == nil {
		return
	}
	window := j.c.GroupWindow
	if j.c.Level == Interval {
		window = j.c.Interval
	}
	switch waiting := j.end() - j.synced; {
	case j.c.Level == Group && waiting >= j.c.GroupBytes && !j.hurried:
		j.armed, j.hurried = true, true
		j.timer.Reset(0)
	case !j.armed && waiting > 0:
		j.armed = true
		j.timer.Reset(window)
	}
}

// syncInTime is called by the timer.
func (j *Journal) syncInTime() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.armed, j.hurried = false, false
	j.syncTo(j.next + j.pending - 1) // an error is told to the next who asks
}
