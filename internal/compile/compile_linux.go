//go:build amd64 || arm64

// Package compile turns what is asked for into the programs that the child runs.
// It is pure: it opens nothing, asks the kernel nothing and reads no clock. The same
// [Input] makes the same [Plan].
package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A builder compiles an [Input] into the programs that the child runs. It touches
// nothing but its own memory: the descriptors that it names belong to the start.
type builder struct {
	ask   *spec.Start
	given *Input
	made  Plan

	p           *program.Program // of the stage that is being built
	fds         fdPlan
	labels      []openLabel // the files that take the program's labels
	mask        program.Arg // the word with the signal mask to restore
	stateLast   int         // the number of the file with the state, for the init
	children    int         // the number of the list of the init's children, or -1
	ruleset     int         // the number of Landlock's ruleset, or NotOpen
	viewed      program.Arg // a word that is 1 once the child is in its view
	contextWord program.Arg // a word with what a file system is being configured by, for afterFailure
	terminal    program.Arg // of a launcher: a word that is 1 if it has a terminal that takes input
	ppid        program.Arg // of a launcher: who its parent was
	guardsCore  bool        // the limit on core files is still to be put back
}

func (b *builder) add(field string, call program.Call, args ...program.Arg) *program.Step {
	return b.p.Add(field, call, args...)
}

// addStage adds a step of the second stage's own, or one that leads to it.
func (b *builder) addStage(call program.Call, args ...program.Arg) *program.Step {
	return b.add(b.given.StageField, call, args...).Of(program.OfStage)
}

// Num is an argument that is a number.
func Num[T ~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64 | ~uintptr](n T) program.Arg {
	return program.Num(n)
}

// An openLabel is a file that takes a label: its descriptor, and the number that
// it has if no file of the parent's is in the way.
type openLabel struct {
	spec.ExecAttr
	fd program.Arg
	at int
}
