package program

import (
	"slices"
	"strings"
	"testing"
)

// A sketch is a start that is written down step by step.
type sketch struct {
	*Start
	p *Program
}

// sketched is the beginning of a child that has descriptor 3 and then a table
// of its own.
func sketched(kind FileKind) sketch {
	p := new(Program)
	s := sketch{&Start{First: p, Shared: true, Highest: -1}, p}
	s.Open = []Open{{FD: 3, Kind: kind, Cloexec: true}}
	s.add(CloseRange, Num(4), Num(uint32(1<<32-1)), Num(rangeUnshare))
	s.add(CloseRange, Num(0), Num(2), Num(0))
	return s
}

func (s sketch) add(c Call, args ...Arg) *Step { return s.p.Add("", c, args...) }

func (s sketch) path(c Call, path string) *Step { return s.add(c, s.p.Str(path)) }

func (s sketch) openat(dir int, path string, flags int) *Step {
	return s.add(Openat, Num(dir), s.p.Str(path), Num(flags), Num(0))
}

// chroot changes the root, and the working directory with it.
func (s sketch) chroot() {
	s.path(Chroot, "/jail")
	s.path(Chdir, "/")
}

// joinMount joins a mount namespace, whose file is closed before.
func (s sketch) joinMount() {
	s.add(Socket, Num(1), Num(openCloexec), Num(0)) // stands for it, as 0
	s.add(Setns, Num(0), Num(newMount))
	s.add(Close, Num(0))
}

// exec executes the program.
func (s sketch) exec() { s.add(Execve, s.p.Str("/bin/app"), s.p.Strs(nil), s.p.Strs(nil)) }

// split goes on in a second stage.
func (s sketch) split() sketch {
	s.add(Socket, Num(1), Num(openCloexec), Num(0)) // stands for the image, as 0
	s.add(Execveat, Num(0), s.p.Str(""), s.p.Strs(nil), s.p.Strs(nil), Num(0x1000))
	s.Second = new(Program)
	return sketch{s.Start, s.Second}
}

// closeFrom closes numbers one by one.
func (s sketch) closeFrom(first, end int) {
	again := s.p.Here()
	s.add(Close, Num(first)).Ignore(9)
	s.p.CountUp(s.p.Words(uint64(first)), Num(end), &again, s.p.Slot(0))
}

const cwdFD = -100

// Each of these is wrong.
var badStarts = []struct {
	name  string
	three FileKind // descriptor 3
	make  func(s sketch)
	want  string
}{
	{"a working directory with /proc open", HostDirectory, func(s sketch) {
		s.chroot()
		s.path(Chdir, "/work")
		s.add(Close, Num(3))
		s.exec()
	}, "step 4 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a program with /proc open", HostDirectory, func(s sketch) {
		s.chroot()
		s.exec()
	}, "step 4 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a copy of /proc", HostDirectory, func(s sketch) {
		s.add(Dup3, Num(3), Num(20), Num(openCloexec))
		s.add(Close, Num(3))
		s.chroot()
		s.openat(cwdFD, "/out", 1|openCloexec)
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 20, a directory of the host's, is open"},
	{"a directory below /proc", HostDirectory, func(s sketch) {
		s.openat(3, "self", openPathOnly|openCloexec)
		s.add(Close, Num(3))
		s.chroot()
		s.path(Chdir, "/work")
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 0, a directory of the host's, is open"},
	{"a directory of the host's that the child has opened", Harmless, func(s sketch) {
		s.openat(cwdFD, "/srv", openCloexec)
		s.chroot()
		s.exec()
	}, "step 5 of stage 1 follows a path while descriptor 0, a directory of the host's, is open"},
	{"another mount namespace", HostDirectory, func(s sketch) {
		s.joinMount()
		s.path(Chroot, "/jail")
		s.add(Close, Num(3))
		s.path(Chdir, "/")
		s.exec()
	}, "step 5 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a trusted path in another mount namespace", HostDirectory, func(s sketch) {
		s.joinMount()
		s.add(Execve, s.p.Str("/proc/self/fd/0"), s.p.Strs(nil), s.p.Strs(nil))
	}, "step 5 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a file with a file of the host's open", HostFile, func(s sketch) {
		s.chroot()
		s.openat(cwdFD, "/out", 1|openCloexec)
		s.exec()
	}, "step 4 of stage 1 opens a file while descriptor 3, a file of the host's, is open"},
	{"a file with one below /proc open", HostDirectory, func(s sketch) {
		s.openat(3, "self/oom_score_adj", 1|openCloexec)
		s.add(Close, Num(3))
		s.chroot()
		s.openat(cwdFD, "/out", 1|openCloexec)
		s.exec()
	}, "step 6 of stage 1 opens a file while descriptor 0, a file of the host's, is open"},
	{"a map in another root", Harmless, func(s sketch) {
		s.chroot()
		s.openat(cwdFD, "/proc/self/uid_map", 1|openCloexec)
		s.exec()
	}, "step 4 of stage 1 trusts the /proc of another root"},
	{"an image by its path in another root", Harmless, func(s sketch) {
		s.joinMount()
		s.add(Execve, s.p.Str("/proc/self/fd/3"), s.p.Strs(nil), s.p.Strs(nil)).Field = "Attr.Program"
	}, "step 5 of stage 1 trusts the /proc of another root"},
	{"a mount", HostDirectory, func(s sketch) {
		s.joinMount()
		s.add(Mount, Num(0), s.p.Str("/mnt"), Num(0), Num(0), Num(0))
		s.exec()
	}, "step 5 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"in the second stage", HostDirectory, func(s sketch) {
		s.add(Fcntl, Num(3), Num(fcntlSetFD), Num(0))
		s = s.split()
		s.chroot()
		s.path(Chdir, "/work")
		s.exec()
	}, "step 2 of stage 2 follows a path while descriptor 3, a directory of the host's, is open"},
	{"where something fails", HostDirectory, func(s sketch) {
		missing := s.p.Ahead()
		s.openat(3, "self/oom_score_adj", 1|openCloexec).On(2, &missing)
		s.add(Close, Num(3))
		missing.Place()
		s.chroot()
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"in one way of two", HostDirectory, func(s sketch) {
		s.add(Test, s.p.Words(0), Num(1), Num(2))
		s.add(Close, Num(3))
		s.chroot()
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a jump back", HostDirectory, func(s sketch) {
		s.path(Chdir, "/work").Next = 2
		s.exec()
		s.chroot()
		s.add(Test, s.p.Words(0), Num(1), Num(-3))
		s.add(Close, Num(3))
		s.exec()
	}, "step 3 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"the working directory outside", Harmless, func(s sketch) {
		s.path(Chroot, "/jail")
		s.path(Chdir, "/work")
		s.exec()
	}, "step 3 of stage 1 follows a path while the working directory is outside of the root"},
	{"a directory of the host's as the working directory", HostDirectory, func(s sketch) {
		s.chroot()
		s.add(Fchdir, Num(3))
		s.add(Close, Num(3))
		s.exec()
	}, "step 6 of stage 1 follows a path while the working directory is outside of the root"},
	{"a loop that ends early", Harmless, func(s sketch) {
		s.Highest, s.Shared, s.p.Steps = 100, false, nil
		s.closeFrom(0, 3)
		s.closeFrom(4, 100)
		s.chroot()
		s.exec()
	}, "step 10 of stage 1 follows a path while files of the parent's may be open"},
	{"too early", Harmless, func(s sketch) {
		s.p.Steps = nil
		s.openat(cwdFD, "/dev/null", 0)
		s.exec()
	}, "step 0 of stage 1 changes the parent's descriptor table"},
	{"not open", Harmless, func(s sketch) {
		s.add(Dup3, Num(4), Num(1), Num(0))
		s.exec()
	}, "step 2 of stage 1 uses descriptor 4, which is not open"},
	{"to itself", Harmless, func(s sketch) {
		s.add(Dup3, Num(3), Num(3), Num(0))
		s.exec()
	}, "step 2 of stage 1 duplicates descriptor 3 to itself, which fails"},
	{"a number that is not one, often", Harmless, func(s sketch) {
		s.add(Close, Num(3))
		s.add(Getpid)
		pid := s.p.Result()
		s.add(Kill, pid, pid)
		s.add(Close, pid)
		s.exec()
	}, "step 6 of stage 1 closes a descriptor that is not known"},
	{"not known", Harmless, func(s sketch) {
		s.add(Getpid)
		s.add(Close, s.p.Result())
		s.exec()
	}, "step 3 of stage 1 closes a descriptor that is not known"},
	{"too much", Harmless, func(s sketch) {
		s.add(Fcntl, Num(3), Num(fcntlSetFD), Num(0))
		s.exec()
	}, "step 3 of stage 1 leaves descriptor 3 to the program, which did not ask for it"},
	{"too little", Harmless, func(s sketch) {
		s.Given = []int{3}
		s.exec()
	}, "step 2 of stage 1 leaves the program without descriptor 3, which it is to have"},
	{"nowhere", Harmless, func(s sketch) {
		s.add(Getpid).Next = 5
		s.exec()
	}, "step 7 of stage 1 does not exist, and is jumped to"},
}

func TestVerifyBad(t *testing.T) {
	for _, test := range badStarts {
		s := sketched(test.three)
		test.make(s)
		var got []string
		for _, p := range s.Verify() {
			got = append(got, p.String())
		}
		if !slices.Contains(got, test.want) {
			t.Errorf("%s: problems:\n\t%s\nwant\t%s\nin\n%s", test.name, strings.Join(got, "\n\t"), test.want, s)
		}
	}
}

// These are as they should be.
var goodStarts = []struct {
	name  string
	three FileKind // descriptor 3
	make  func(s sketch)
}{
	{"a descriptor that is used often", Harmless, func(s sketch) {
		s.add(Close, Num(3))
		s.openat(cwdFD, "/file", 1)
		s.p.WithOpen(func(fd Arg) {
			for range 4 {
				s.add(Fcntl, fd, Num(fcntlSetFD), Num(0))
			}
		})
		s.exec()
	}},
	{"nothing", Harmless, func(s sketch) { s.exec() }},
	{"closed before", HostDirectory, func(s sketch) {
		s.openat(3, "self/oom_score_adj", 1|openCloexec)
		s.add(Close, Num(3))
		s.chroot()
		s.path(Chdir, "/work")
		s.add(Close, Num(0))
		s.exec()
	}},
	{"a file of the host's, and no other opened", HostFile, func(s sketch) {
		s.chroot()
		s.path(Chdir, "/work")
		s.exec()
	}},
	{"closed by its execve", HostDirectory, func(s sketch) {
		s = s.split()
		s.chroot()
		s.path(Chdir, "/work")
		s.exec()
	}},
	{"asked for in another root", Harmless, func(s sketch) {
		s.chroot()
		s.openat(cwdFD, "/proc/self/status", openCloexec).Field = "Attr.Files[0]"
		s.add(Execve, s.p.Str("/proc/self/fd/3"), s.p.Strs(nil), s.p.Strs(nil))
	}},
	{"in the host's root", HostDirectory, func(s sketch) {
		s.path(Chdir, "/work")
		s.add(Fchdir, Num(3))
		s.exec()
	}},
	{"asked for", ForProgram, func(s sketch) {
		s.Given = []int{5}
		s.add(Dup3, Num(3), Num(5), Num(0))
		s.chroot()
		s.path(Chdir, "/work")
		s.exec()
	}},
	{"one by one", Harmless, func(s sketch) {
		s.Highest, s.Shared, s.p.Steps = 5000, false, nil
		s.closeFrom(0, 3)
		s.closeFrom(4, 5001)
		s.chroot()
		s.exec()
	}},
	{"a long wait", Harmless, func(s sketch) {
		count := s.p.Words(0)
		again, late, done := s.p.Here(), s.p.Ahead(), s.p.Ahead()
		s.p.Copy("", count, count).Args[1] = Num(1)
		s.p.GotoIf("", count, Num(0), &late)
		s.p.GotoIf("", s.p.Words(0), Num(0), &again).Then(&done)
		late.Place()
		s.add(Move, Num(0))
		done.Place()
		s.exec()
	}},
	{"another number each time", Harmless, func(s sketch) {
		s.openat(cwdFD, "/dev/null", 0)
		s.openat(cwdFD, "/dev/null", 1)
		opened := s.p.Result()
		s.add(Dup3, opened, Num(4), Num(0))
		s.add(Close, opened).Ignore(9)
		s.Given = []int{0, 4}
		s.exec()
	}},
}

func TestVerifyGood(t *testing.T) {
	for _, test := range goodStarts {
		s := sketched(test.three)
		test.make(s)
		if problems := s.Verify(); len(problems) > 0 {
			t.Errorf("%s: problems %v\nin\n%s", test.name, problems, s)
		}
	}
}
