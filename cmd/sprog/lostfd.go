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

// warnOfLost tells of descriptors which the caller has passed on to sprog, and
// which the program will not have, though an argument or a variable names them: a shell's
// process substitution, <(command), is such an argument, and make names its job server
// in a variable.
func warnOfLost(cmd *sprog.Cmd, arguments []string) {
	warn := func(fd int, name string) {
		has := slices.ContainsFunc(cmd.Attr.Files, func(f sprog.File) bool { return f.FD == fd })
		if fd < 3 || has || !passedOn(fd) {
			return
		}
		fmt.Fprintf(os.Stderr, "sprog: warning: the program will not have the caller's descriptor %d, which its %s names:"+
			" --fd %[1]d passes that on, and --inherit-fds all\n", fd, name)
	}
	for _, arg := range arguments {
		name, fd := descriptorName(arg)
		warn(fd, "argument "+name)
	}
	for _, fd := range jobServer(cmd.Env) {
		warn(fd, "variable "+makeFlags)
	}
}

const makeFlags = "MAKEFLAGS"

// jobServer are the descriptors of make's job server, which make passes on to the recipes
// that it takes to run make themselves.
func jobServer(env []string) (fds []int) {
	value, _ := lookupEnv(env, makeFlags)
	for _, flag := range []string{"--jobserver-auth=", "--jobserver-fds="} { // the second before make 4.2
		var read, write int
		if _, after, found := strings.Cut(value, flag); found {
			if n, _ := fmt.Sscanf(after, "%d,%d", &read, &write); n == 2 {
				return []int{read, write}
			}
		}
	}
	return nil
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
