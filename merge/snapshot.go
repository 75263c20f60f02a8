package merge

import (
	"encoding/json"
)

// Stage is where a worker stands in the protocol.
type Stage string

const (
	StageStart Stage = "START" // nothing sent (A) or received (B)
	StageWait  Stage = "WAIT"  // for the other's answer, or for the rest of its DATA
	StagePump  Stage = "PUMP"  // sending DATA
	StageCWait Stage = "CWAIT" // for the answer to a complement claim
	StageSWait Stage = "SWAIT" // shipper: for the right to write what it withheld
	StageMerge Stage = "WMERG" // writing merged values
	StageWWait Stage = "WWAIT" // writer: for the right to write to come back
	StageFin   Stage = "FIN"   // for the other's DONE
	StageDone  Stage = "DONE"
)

// Phase is the requirement's coarser view of the stage.
type Phase string

const (
	PhaseInit  Phase = "INIT"
	PhaseMerge Phase = "MERGE"
	PhaseDone  Phase = "DONE"
)

// Opt is a number that may be unknown; in JSON it is then null.
type Opt struct {
	Value int64
	Known bool
}

func known(v int64) Opt { return Opt{v, true} }

// MarshalJSON gives the number or null.
func (o Opt) MarshalJSON() ([]byte, error) {
	if !o.Known {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON takes what MarshalJSON gives.
func (o *Opt) UnmarshalJSON(b []byte) error {
	*o = Opt{}
	if string(b) == "null" {
		return nil
	}
	o.Known = true
	return json.Unmarshal(b, &o.Value)
}

// A Snapshot is where a worker stands, in constant space: with the values, the
// options and the messages delivered it determines a core. Snapshots compare
// with ==. The first keys are those that the requirement suggests.
type Snapshot struct {
	Phase        Phase `json:"phase"`
	MyMin        Opt   `json:"my_min"`
	MyMax        Opt   `json:"my_max"`
	MyCount      int64 `json:"my_count"`
	PartnerMin   Opt   `json:"partner_min"`
	PartnerMax   Opt   `json:"partner_max"`
	PartnerCount Opt   `json:"partner_count"`
	DataIndex    int64 `json:"data_index"`   // own values that are written or handed over
	OutputCount  int64 `json:"output_count"` // values written by this worker

	Stage    Stage `json:"stage"`
	NextWord int64 `json:"next_word"` // words of the stream being sent that are out
	Segment  int64 `json:"segment"`   // parts of the output finished by this worker
	Pos      int64 `json:"pos"`       // bytes written by this worker
	Base     int64 `json:"base"`      // byte at which the output begins
	Failure  int   `json:"failure"`   // code of FAIL, 0 = none
	Value    int32 `json:"value"`     // the value that FailDuplicate names
	Remote   bool  `json:"remote"`    // the other worker found the failure
	Stats    Stats `json:"stats"`
	Work     Work  `json:"work"`
}

// A Fingerprint tells lists apart, whatever their order.
type Fingerprint struct {
	Count  int64  `json:"count"`
	CRC32C uint32 `json:"crc32c"` // of the sorted values as little-endian int32
}
