package merge

// BoundMessages is the least number of messages of the given number of words
// by which one of two lists can be told to who holds the other: the smaller of
// log2 C(R, k) over both lists of k values in a common range of R (or
// log2 C(R+k-1, k) for a list with repeats), in whole messages; 1 if a list is
// empty.
func BoundMessages(a, b []int32, words int) int { panic("soon") }
