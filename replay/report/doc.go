// Package report writes what an audit found.
package report
