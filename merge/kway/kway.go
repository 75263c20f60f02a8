// Package kway merges k sorted sources: a tree of losers that is stable, looks
// at keys only where it must, and notices runs.
//
// It promises: sources win in the order of bytes.Compare on their keys, and of
// equal keys in the order of the sources, so that a merge is stable; a source
// that has ended is told by a flag and never by a key that is larger than all
// others; at most ceil(log2 k) comparisons are played for a key, nearly all of
// two integers; while one source keeps winning, one comparison a key.
//
// It does not check that a source is sorted: [Next] does that where the code
// of a key is made, which takes one look at both keys. It holds no keys: a key
// must be readable while it is its source's current one, and the key before
// it until [Next] has been called.
//
// The integers are offset-value codes (W. M. Conner, "Offset-value coding",
// IBM Technical Disclosure Bulletin 20(7), 1977; G. Graefe and T. Do,
// "Offset-value coding in database query processing", EDBT 2023) rather than
// the first bytes of the keys: the times in a log agree in their first twenty.
//
// Begin with [New]; make codes with [Next].
package kway
