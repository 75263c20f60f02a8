package retry

// Answer is what a policy does about a row.
type Answer uint8

// Answers.
const (
	Final   Answer = iota // the URL ends as this
	Again                 // retry, as often as allowed
	Once                  // one retry, then it ends as this
	IfAsked               // retry only with Retry-After
	Stop                  // the run is stopping
	Later                 // postpone to a later run
	Never                 // does not occur under this policy
)

// A Row is one line of the decision table R2: what happened, and what each
// policy does about it.
type Row struct {
	Number int
	Class  Class
	Kinds  []Kind // none: all kinds of the class without a row of their own
	What   string // in words
	Event  string // of the log
	Reason string // of the retry event
	Group  Group
	Health Health
	Spec   Answer
	Smart  Answer
	Cost   Tokens // of a retry under smart
	Fresh  bool   // the retry takes a fresh connection
	Note   string // what else smart does
	Why    string // the reason for the answer, for people
}

// Answer is what the policy of this name does.
func (r *Row) Answer(policy string) Answer { return r.Smart }

// Table gives the rows in order. The caller may change its copy.
func Table() []Row { return nil }
