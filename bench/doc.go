// Bench measures what starting a process costs: with sprog, with os/exec, with
// syscall.ForkExec and Wait4, and at the limit, which is a bare vfork, execve
// and wait4 with nothing around them.
//
//	go run ./bench                      every scenario, a few minutes
//	go run ./bench -quick               the same in under a minute, coarser
//	go run ./bench -only 'start|files'  some of the scenarios
//	go run ./bench -o bench/results     also write the report and its plots
//	go run ./bench -draw                draws docs/faster.svg from bench/results
//
// # How it measures
//
// Each contender runs in a process of its own, started from this same binary,
// that does what it is told over a pipe. All of them are measured in one run,
// in small batches that take turns: a round has one batch of each, and the
// order changes from round to round, so that whatever else the machine does
// falls on all alike. Before each batch come starts that are not counted.
//
// A ratio is the median of the rounds' ratios: each round compares batches
// that ran within milliseconds of each other. In brackets behind it stands the
// ratio of the overall figures, which needs no trust in the pairing.
//
// The program that is started is a static ELF file of under 200 bytes, written
// by the benchmark, that exits at once: what is left is the cost of starting.
// A program of a libc adds its own page faults, the same for everyone; only the
// scenario of the command runs one, by whole command lines. The
// environment, GOGC and GOMAXPROCS are those the benchmark was called with,
// except that the limit gets as many running threads as it has starts in flight.
package main
