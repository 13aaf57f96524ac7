//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
)

// warnOfLost tells of arguments that are the names of descriptors which the
// caller has passed on to sprog, and which the program will not have: a shell's
// process substitution, <(command), is such an argument.
func warnOfLost(cmd *sprog.Cmd, arguments []string) {
	for _, arg := range arguments {
		name, fd := descriptorName(arg)
		has := slices.ContainsFunc(cmd.Attr.Files, func(f sprog.File) bool { return f.FD == fd })
		if fd < 3 || has || !passedOn(fd) {
			continue
		}
		fmt.Fprintf(os.Stderr, "sprog: warning: the program will not have the caller's descriptor %d, which its argument %s names:"+
			" --fd %[1]d passes that on, and --inherit-fds all\n", fd, name)
	}
}

// descriptorName is the name of a descriptor in an argument, and its number, or
// "" and -1.
func descriptorName(arg string) (name string, fd int) {
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		_, number, found := strings.Cut(arg, dir)
		if end := strings.IndexFunc(number, func(r rune) bool { return r < '0' || '9' < r }); end >= 0 {
			number = number[:end]
		}
		if n, err := strconv.Atoi(number); found && err == nil {
			return dir + number, n
		}
	}
	return "", -1
}
