package report

import _ "embed"

// ScriptName is the name under which an audit writes Script.
const ScriptName = "deduplicate_stream.py"

// Script is a standalone Python 3 program of the standard library alone. It
// removes duplicates by key as `holdfast dedupe` does, byte for byte (R66), for
// those who want to read, or have to hand in, the few hundred lines that do it.
//
//go:embed deduplicate_stream.py
var Script []byte
