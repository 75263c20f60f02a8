// Package report writes what an audit found: the CSV files, findings.json, the
// summary for the terminal, the incident report, the list of improvements and
// the standalone deduplication script.
//
// It promises that every writer is a function of its values (the same values
// give the same bytes, whatever the machine, the time zone or the locale), that
// text out of the input files stays intact in CSV and JSON and inert in
// Markdown and on the terminal, and that no figure is printed that the values
// do not hold. It finds nothing and decides nothing (see package replay), opens
// no file, and does not write removed.csv, which has to be written where the
// output is copied (see replay/dedupe).
//
//	NewAnalysis, NewSymbols     duplication_analysis.csv, duplication_summary.csv
//	NewDuplicates, NewTimeline  duplicates.csv, timeline.csv
//	NewRejected                 rejected.csv
//	WriteFindings               findings.json, and what audit --json prints
//	WriteSummary                what audit prints
//	WriteIncident               incident.md
//	WriteImprovements           future_improvements.md
//	NewWhatIf, WriteWhatIf      whatif.csv, and what whatif prints
//	WritePage, WriteNotebook    report.html, timeline_visualization.ipynb
//	WriteTrace                  trace.json
//	Story                       one duplicate in plain words
//	Script                      deduplicate_stream.py
//
// Start with [WriteIncident]; the formats of the tables stand at [Table] and at
// the function of each.
package report
