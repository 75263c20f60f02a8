package cli

import (
	"strings"
	"testing"

	"holdfast/engine/mailbox"
)

// What cannot be read is named and hides nothing else.
func TestExplainStored(t *testing.T) {
	t.Parallel()
	all, bad := explainStored([]mailbox.Stored{
		{Seq: 1, Subject: "merge.j.0.all", Body: []byte(`{"msg_type":"DONE","values":[0,3,0,9]}`)},
		{Seq: 2, Subject: "merge.j.7.all", Body: []byte(`{"msg_type":"DONE","values":[0,3,0,9]}`)},
		{Seq: 3, Subject: "merge.j.1.0", Body: []byte("garbage")},
		{Seq: 4, Subject: "merge.j.1.0", Body: []byte(`{"msg_type":"DATA","values":[5,6]}`)},
	}, 3)
	if len(all) != 4 || bad != 2 {
		t.Fatalf("%+v, %d", all, bad)
	}
	for i, want := range []string{"0 DONE: has written 3 values, 9 bytes", "no worker of 3 sends there", "where '{' belongs", "1 DATA: "} {
		if got := all[i].Words + all[i].Error; !strings.Contains(got, want) || all[i].Seq != uint64(i+1) {
			t.Errorf("%+v, want %s", all[i], want)
		}
	}
}
