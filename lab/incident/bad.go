package incident

// badRecord is a record with one defect, for which a reader must reject it.
// The defect is always such that the next record can be told from it.
type badRecord struct {
	reason  string // slug, as in rejected.csv
	text    string
	padding int    // bytes to be added
	after   string // what comes after them
}

const (
	badText        = "bad-text"
	fieldSize      = "field-size"
	fieldCount     = "field-count"
	truncatedTail  = "truncated-tail"
	badJSON        = "bad-json"
	missingField   = "missing-field"
	badTime        = "bad-time"
	timeRange      = "time-range"
	badPrice       = "bad-price"
	pricePrecision = "price-precision"
	priceRange     = "price-range"
)

// overSize is just more than a field may have.
const overSize = 1<<20 + 1

var badEvents = []badRecord{
	{reason: badJSON, text: `{"event_id":"bad_1","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":1305.75,"source":"stream-1",}`},
	{reason: missingField, text: `{"event_id":null,"timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":1305.75,"source":"stream-1"}`},
	{reason: badTime, text: `{"event_id":"bad_2","timestamp":"2025-02-30T09:15:00Z","symbol":"TCS","price":1305.75,"source":"stream-1"}`},
	{reason: badPrice, text: `{"event_id":"bad_3","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":"1,305.75","source":"stream-1"}`},
	{reason: badJSON, text: `{"event_id":"bad_4" "timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":1305.75,"source":"stream-1"}`},
	{reason: timeRange, text: `{"event_id":"bad_5","timestamp":"9999-12-31T23:59:59Z","symbol":"TCS","price":1305.75,"source":"stream-1"}`},
	{reason: pricePrecision, text: `{"event_id":"bad_6","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":1305.7500000001,"source":"stream-1"}`},
	{reason: missingField, text: `{"event_id":"bad_7","timestamp":"NaT","symbol":"TCS","price":1305.75,"source":"stream-1"}`},
	{reason: priceRange, text: `{"event_id":"bad_8","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":9223372036.854775808,"source":"stream-1"}`},
	{reason: missingField, text: `{"event_id":"bad_9","timestamp":"2025-07-14T09:15:00Z","price":1305.75,"source":"stream-1"}`},
	{reason: badPrice, text: `{"event_id":"bad_10","timestamp":"2025-07-14T09:15:00Z","symbol":"TCS","price":"Infinity","source":"stream-1"}`},
	{reason: badText, text: `{"event_id":"bad_11","timestamp":"2025-07-14T09:15:00Z","symbol":"T` + "\xff" + `S","price":1305.75,"source":"stream-1"}`},
}

// Columns: status, end_time, event_id, host, start_time, worker_id.
var badAttempts = []badRecord{
	{reason: fieldCount, text: `success;1752484500007000;evt_0000000;node-3;2025-07-14T09:15:00`},
	{reason: missingField, text: `success;1752484500007000;;node-3;2025-07-14T09:15:00;worker-1`},
	{reason: badTime, text: `success;soon;evt_0000000;node-3;2025-07-14T09:15:00;worker-1`},
	{reason: missingField, text: `success;1752484500007000;evt_0000000;node-3;n/a;worker-1`},
	{reason: timeRange, text: `success;1752484500007000;evt_0000000;node-3;1500-01-01T00:00:00;worker-1`},
	{reason: fieldCount, text: `success;1752484500007000;evt_0000000;node-3;2025-07-14T09:15:00;worker-1;worker-2`},
	{reason: badTime, text: `success;1752484500007000;evt_0000000;node-3;14/07/2025 09:15;worker-1`},
	{reason: badText, text: "success;1752484500007000;evt_\x00000000;node-3;2025-07-14T09:15:00;worker-1"},
}

// Columns: price, note, timestamp, symbol.
var badRows = []badRecord{
	{reason: fieldCount, text: `1305.75,,2025-07-14T09:15:00Z`},
	{reason: badPrice, text: `"1,305.75",,2025-07-14T09:15:00Z,TCS`},
	{reason: badTime, text: `1305.75,,yesterday,TCS`},
	{reason: missingField, text: `1305.75,,2025-07-14T09:15:00Z,`},
	{reason: pricePrecision, text: `1305.7512345678,,2025-07-14T09:15:00Z,TCS`},
	{reason: badText, text: "1305.75,,2025-07-14T09:15:00Z,T\xc3S"},
	{reason: missingField, text: `1305.75,,null,TCS`},
	{reason: fieldCount, text: `1305.75,,2025-07-14T09:15:00Z,TCS,TCS`},
	{reason: priceRange, text: `1e10,,2025-07-14T09:15:00Z,TCS`},
	{reason: timeRange, text: `1305.75,,1677-01-01T00:00:00Z,TCS`},
	{reason: badPrice, text: `Infinity,,2025-07-14T09:15:00Z,TCS`},
	{reason: badText, text: "1305.75,,2025-07-14T09:15:00Z,T\x00S"},
	{reason: fieldSize, text: `1305.75,`, padding: overSize, after: `,2025-07-14T09:15:00Z,TCS`},
	{reason: badTime, text: `1305.75,,2025-07-14T09:60:00Z,TCS`},
}
