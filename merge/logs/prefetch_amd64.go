package logs

// prefetch tells the processor that the 192 bytes from b on will be read: the
// record that its source is to give next. It comes from another core, and many
// other sources have their turn before it, more than the processor guesses by
// itself; without this a merge of 64 files waits for memory half its time.
//
//go:noescape
func prefetch(b *byte)
