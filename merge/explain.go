package merge

// A Log is what one worker sent, in order. A message without type stands for
// one that could not be read.
type Log struct {
	From     string // as it is to be called: "A"
	Messages []Message
}

// Explain puts every message of two or more workers into words, one line a
// message, in the order of each log. What follows an unreadable message is
// explained as far as it can be. The logs of both workers help each other: what
// a DATA says depends on the other's SKTCH.
func Explain(logs ...Log) [][]string { panic("soon") }
