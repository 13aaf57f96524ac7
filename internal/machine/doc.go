// Package machine runs programs. It is the only package that handles raw
// memory: it links a program to addresses, gives birth to the child that runs
// it, waits until the child has executed its program or failed, and builds the
// image of the second stage.
//
// In the child runs a loop of assembly and nothing else. It shares the
// parent's memory until it executes, so Go code there could allocate, take a
// lock, grow a stack or be preempted in the parent's heap; the loop does none
// of that, and needs no stack. It reads instructions, makes system calls, and
// writes results, all at addresses that the parent laid out.
package machine
