// Package examples holds the programs of the guides in docs/, and tests that
// build and run them, also with programs that mean no good.
package examples
