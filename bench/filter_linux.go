package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/seccomp"
)

// The filters, by who made them. libseccomp compares with one number after the
// other by default, and makes a tree on request.
const (
	noFilter = "none"
	byTree   = "libseccomp, tree"
	byList   = "libseccomp"
)

// The ways that a call can go through a filter.
const (
	isAllowed = "allowed" // by its number: the kernel remembers that, and asks the filter no more
	isLooked  = "looked at"
	isDenied  = "denied"
)

// callsMade is how many system calls the program makes.
const callsMade = 100000

// libseccompSource is a program that has libseccomp make a filter: the names
// are its input, the filter its output.
const libseccompSource = `
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	unsigned long value;
	char name[128];

	if (argc != 3 || filter == NULL)
		return 1;
	value = strtoul(argv[2], NULL, 10);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, atoi(argv[1]));
	while (scanf("%127s", name) == 1) {
		int number = seccomp_syscall_resolve_name(name);
		if (number < 0)
			continue;
		if (value != 0)
			seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), number, 1, SCMP_A1(SCMP_CMP_EQ, value));
		else
			seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), number, 0);
	}
	return seccomp_export_bpf(filter, 1) != 0;
}
`

// filtered are the calls that are measured: one near the beginning of a list
// that is in order, and one near its end.
var filtered = []string{"getpid", "getcpu"}

// measureFilter is what a system call costs under filters of several sizes.
func measureFilter(b *bench, s *section) error {
	names := deniable()
	sizes := []int{10, 100, len(names)}
	makers := []string{bySprog}
	tool, err := b.compileC("libseccomp", libseccompSource, "-lseccomp")
	if err != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("No libseccomp to compare with here: %v.", err))
	} else {
		makers = append(makers, byList, byTree)
	}
	var cells []filterCell
	add := func(maker, variant string, n int, call string, filter []byte) {
		m := &sample{Contender: maker, Variant: variant + " " + call, X: float64(n)}
		s.Samples = append(s.Samples, m)
		cells = append(cells, filterCell{m, call, filter})
	}
	for _, call := range filtered {
		add(noFilter, "", 0, call, nil)
		for _, variant := range []string{isAllowed, isLooked, isDenied} {
			for _, n := range sizes {
				for _, maker := range makers {
					filter, err := makeFilter(tool, maker, variant, some(names, n, variant, call))
					if err != nil {
						return err
					}
					add(maker, variant, n, call, filter)
				}
			}
		}
	}
	if err := b.runFilters(cells); err != nil {
		return err
	}
	s.tabulateFilters(makers, sizes)
	return nil
}

// deniable are calls that the program can do without, and that libseccomp is
// likely to know.
func deniable() []string {
	const last = "cachestat" // of Linux 6.5
	names := seccomp.Native(runtime.GOARCH)[0].Names()
	names = names[:slices.Index(names, last)]
	return slices.DeleteFunc(names, func(name string) bool { return name == "execve" || strings.HasPrefix(name, "exit") })
}

// some takes n names out of the list, evenly. The call that is made is among
// them unless it is to be allowed.
func some(names []string, n int, variant, call string) (list []string) {
	for i := range n {
		if name := names[i*len(names)/n]; name != call {
			list = append(list, name)
		}
	}
	if variant != isAllowed {
		list[len(list)/2] = call
	}
	return list
}

// makeFilter makes a filter that denies the calls: always, or with one value of
// an argument.
func makeFilter(tool, maker, variant string, names []string) ([]byte, error) {
	const value = 0xdead
	if maker == bySprog {
		rule := sprog.SeccompRule{Names: names, Action: sprog.SeccompErrno}
		if variant == isLooked {
			rule.Args = []sprog.SeccompArg{{Index: 1, Op: sprog.SeccompEQ, Value: value}}
		}
		return (&sprog.Seccomp{Default: sprog.SeccompAllow, Rules: []sprog.SeccompRule{rule}}).Program()
	}
	args := []string{"1", "0"}
	if maker == byTree {
		args[0] = "2"
	}
	if variant == isLooked {
		args[1] = fmt.Sprint(value)
	}
	c := exec.Command(tool, args...)
	c.Stdin, c.Stderr = strings.NewReader(strings.Join(names, "\n")), os.Stderr
	return c.Output()
}

// compileC compiles a C program, where there is a compiler and its library.
func (b *bench) compileC(name, source string, flags ...string) (string, error) {
	tool := b.dir + "/" + name
	c := exec.Command("cc", append([]string{"-x", "c", "-o", tool, "-"}, flags...)...)
	c.Stdin = strings.NewReader(source)
	var diagnostics bytes.Buffer
	c.Stderr = &diagnostics
	if err := c.Run(); err != nil {
		first, _, _ := strings.Cut(diagnostics.String(), "\n")
		return "", fmt.Errorf("%w: %s", err, first)
	}
	return tool, nil
}

// A filterCell is one filter to measure.
type filterCell struct {
	sample *sample
	call   string
	filter []byte
}

// runFilters runs the program under each filter in turn, and takes its time on
// the processor, which others have no part in. Its start is counted in: one
// part in a hundred.
func (b *bench) runFilters(cells []filterCell) error {
	for round := range b.rounds(40) {
		for _, i := range turns(round, len(cells)) {
			cell := cells[i]
			c := sprog.Command(map[string]string{"getpid": b.progs.Early, "getcpu": b.progs.Late}[cell.call])
			c.Attr = &sprog.Attr{NoNewPrivs: true}
			if cell.filter != nil {
				c.Attr.Seccomp = &sprog.Seccomp{Programs: [][]byte{cell.filter}}
			}
			if err := c.Run(); err != nil {
				return fmt.Errorf("%s, %s, %v: %w", cell.sample.Contender, cell.sample.Variant, cell.sample.X, err)
			}
			spent := c.ProcessState.UserTime() + c.ProcessState.SystemTime()
			cell.sample.add(1, spent, []int64{int64(spent) / callsMade}, 0, 0)
		}
	}
	for _, cell := range cells {
		cell.sample.finish()
	}
	return nil
}

func (s *section) tabulateFilters(makers []string, sizes []int) {
	s.Table.Head = append([]string{"", "calls in the filter"}, makers...)
	get := func(maker, variant, call string, n int) *sample {
		return s.Samples.find(maker, variant+" "+call, float64(n))
	}
	for _, call := range filtered {
		s.Table.add(call+", no filter", "", nanoseconds(get(noFilter, "", call, 0)))
		for _, variant := range []string{isAllowed, isLooked, isDenied} {
			for _, n := range sizes {
				row := []string{call + ", " + variant, fmt.Sprint(n)}
				for _, maker := range makers {
					row = append(row, nanoseconds(get(maker, variant, call, n)))
				}
				s.Table.add(row...)
			}
		}
	}
	s.Notes = append(s.Notes, "Time on the processor of one call in a loop. allowed: the filter is about other calls, and the kernel (since 5.11) "+
		"remembers that it allows this one. looked at: the filter compares an argument before it allows the call. denied: it answers EPERM.")
	for _, variant := range []string{isLooked, isDenied} {
		many, few := get(bySprog, variant, "getcpu", sizes[len(sizes)-1]), get(bySprog, variant, "getcpu", sizes[0])
		s.Aims = append(s.Aims, aim{What: "getcpu, " + variant + ", under the longest filter, as a multiple of the shortest", Most: 1.2, Got: latencyRatio(many, few).rounds})
	}
}

func nanoseconds(s *sample) string { return fmt.Sprintf("%.0f ns", s.P50) }
