package verified

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/program"
)

// A sketch is a start that is written down step by step.
type sketch struct {
	*program.Start
	p *program.Program
}

// sketched is the beginning of a child that has descriptor 3 and then a table
// of its own.
func sketched(kind program.FileKind) sketch {
	p := new(program.Program)
	s := sketch{&program.Start{First: p, Shared: true, Highest: -1}, p}
	s.Open = []program.Open{{FD: 3, Kind: kind, Cloexec: true}}
	s.add(program.CloseRange, program.Num(4), program.Num(uint32(1<<32-1)), program.Num(rangeUnshare))
	s.add(program.CloseRange, program.Num(0), program.Num(2), program.Num(0))
	return s
}

func (s sketch) add(c program.Call, args ...program.Arg) *program.Step {
	return s.p.Add("", c, args...)
}

func (s sketch) path(c program.Call, path string) *program.Step { return s.add(c, s.p.Str(path)) }

func (s sketch) openat(dir int, path string, flags int) *program.Step {
	return s.add(program.Openat, program.Num(dir), s.p.Str(path), program.Num(flags), program.Num(0))
}

// chroot changes the root, and the working directory with it.
func (s sketch) chroot() {
	s.path(program.Chroot, "/jail")
	s.path(program.Chdir, "/")
}

// joinMount joins a mount namespace, whose file is closed before.
func (s sketch) joinMount() {
	s.add(program.Socket, program.Num(1), program.Num(openCloexec), program.Num(0)) // stands for it, as 0
	s.add(program.Setns, program.Num(0), program.Num(newMount))
	s.add(program.Close, program.Num(0))
}

// exec executes the program.
func (s sketch) exec() { s.add(program.Execve, s.p.Str("/bin/app"), s.p.Strs(nil), s.p.Strs(nil)) }

// socketTo opens a socket and sends descriptors through it.
func (s sketch) socketTo(fds ...uint32) {
	s.add(program.Socket, program.Num(1), program.Num(openCloexec), program.Num(0))
	socket := s.p.Result()
	control := s.p.Words(uint64(16+4*len(fds)), 1|1<<32)
	s.p.Uint32s(fds...)
	message := s.p.Words(0, 0, 0, 0, 0, uint64(16+4*len(fds)), 0)
	s.p.Point(message.Plus(32), control)
	s.add(program.Sendmsg, socket, message, program.Num(0))
}

// split goes on in a second stage.
func (s sketch) split() sketch {
	s.add(program.Socket, program.Num(1), program.Num(openCloexec), program.Num(0)) // stands for the image, as 0
	s.add(program.Execveat, program.Num(0), s.p.Str(""), s.p.Strs(nil), s.p.Strs(nil), program.Num(0x1000))
	s.Second = new(program.Program)
	return sketch{s.Start, s.Second}
}

// wait goes on in a rest that brings two files.
func (s sketch) wait() sketch {
	s = s.split()
	gone := s.p.Ahead()
	s.p.GotoIf("", s.p.Words(0), program.Num(0), &gone).Leaves = true
	gone.Place()
	s.add(program.ExitGroup, program.Num(1))
	s.Rest, s.Received = new(program.Program), 2
	return sketch{s.Start, s.Rest}
}

// closeFrom closes numbers one by one.
func (s sketch) closeFrom(first, end int) {
	again := s.p.Here()
	s.add(program.Close, program.Num(first)).Ignore(9)
	s.p.CountUp(s.p.Words(uint64(first)), program.Num(end), &again, s.p.Slot(0))
}

const cwdFD = -100

// Each of these is wrong.
var badStarts = []struct {
	name  string
	three program.FileKind // descriptor 3
	make  func(s sketch)
	want  string
}{
	{"a working directory with /proc open", program.HostDirectory, func(s sketch) {
		s.chroot()
		s.path(program.Chdir, "/work")
		s.add(program.Close, program.Num(3))
		s.exec()
	}, "step 4 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a program with /proc open", program.HostDirectory, func(s sketch) {
		s.chroot()
		s.exec()
	}, "step 4 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a copy of /proc", program.HostDirectory, func(s sketch) {
		s.add(program.Dup3, program.Num(3), program.Num(20), program.Num(openCloexec))
		s.add(program.Close, program.Num(3))
		s.chroot()
		s.openat(cwdFD, "/out", 1|openCloexec)
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 20, a directory of the host's, is open"},
	{"a directory below /proc", program.HostDirectory, func(s sketch) {
		s.openat(3, "self", openPathOnly|openCloexec)
		s.add(program.Close, program.Num(3))
		s.chroot()
		s.path(program.Chdir, "/work")
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 0, a directory of the host's, is open"},
	{"a directory of the host's that the child has opened", program.Harmless, func(s sketch) {
		s.openat(cwdFD, "/srv", openCloexec)
		s.chroot()
		s.exec()
	}, "step 5 of stage 1 follows a path while descriptor 0, a directory of the host's, is open"},
	{"another mount namespace", program.HostDirectory, func(s sketch) {
		s.joinMount()
		s.path(program.Chroot, "/jail")
		s.add(program.Close, program.Num(3))
		s.path(program.Chdir, "/")
		s.exec()
	}, "step 5 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a trusted path in another mount namespace", program.HostDirectory, func(s sketch) {
		s.joinMount()
		s.add(program.Execve, s.p.Str("/proc/self/fd/0"), s.p.Strs(nil), s.p.Strs(nil))
	}, "step 5 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a file with a file of the host's open", program.HostFile, func(s sketch) {
		s.chroot()
		s.openat(cwdFD, "/out", 1|openCloexec)
		s.exec()
	}, "step 4 of stage 1 opens a file while descriptor 3, a file of the host's, is open"},
	{"a file with one below /proc open", program.HostDirectory, func(s sketch) {
		s.openat(3, "self/oom_score_adj", 1|openCloexec)
		s.add(program.Close, program.Num(3))
		s.chroot()
		s.openat(cwdFD, "/out", 1|openCloexec)
		s.exec()
	}, "step 6 of stage 1 opens a file while descriptor 0, a file of the host's, is open"},
	{"a map in another root", program.Harmless, func(s sketch) {
		s.chroot()
		s.openat(cwdFD, "/proc/self/uid_map", 1|openCloexec)
		s.exec()
	}, "step 4 of stage 1 trusts the /proc of another root"},
	{"an image by its path in another root", program.Harmless, func(s sketch) {
		s.joinMount()
		s.add(program.Execve, s.p.Str("/proc/self/fd/3"), s.p.Strs(nil), s.p.Strs(nil)).Field = "Attr.Program"
	}, "step 5 of stage 1 trusts the /proc of another root"},
	{"a mount", program.HostDirectory, func(s sketch) {
		s.joinMount()
		s.add(program.Mount, program.Num(0), s.p.Str("/mnt"), program.Num(0), program.Num(0), program.Num(0))
		s.exec()
	}, "step 5 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a descriptor that nobody has opened to be sent", program.HostDirectory, func(s sketch) {
		s.socketTo(3, 5)
		s.add(program.Close, program.Num(3))
		s.exec()
	}, "step 3 of stage 1 sends descriptor 5, which is not open"},
	{"a directory of the host's that is sent", program.HostDirectory, func(s sketch) {
		s.openat(cwdFD, "/srv", openCloexec)
		s.socketTo(3, 1)
		s.exec()
	}, "step 4 of stage 1 sends descriptor 3, which was not opened to be sent"},
	{"a message through nothing", program.Harmless, func(s sketch) {
		s.add(program.Sendmsg, program.Num(9), s.p.Buffer(56), program.Num(0))
		s.exec()
	}, "step 2 of stage 1 uses descriptor 9, which is not open"},
	{"in the second stage", program.HostDirectory, func(s sketch) {
		s.add(program.Fcntl, program.Num(3), program.Num(fcntlSetFD), program.Num(0))
		s = s.split()
		s.chroot()
		s.path(program.Chdir, "/work")
		s.exec()
	}, "step 2 of stage 2 follows a path while descriptor 3, a directory of the host's, is open"},
	{"in the rest of its program", program.HostDirectory, func(s sketch) {
		s.add(program.Fcntl, program.Num(3), program.Num(fcntlSetFD), program.Num(0))
		s = s.wait()
		s.Given = []int{0, 1}
		s.chroot()
		s.path(program.Chdir, "/work")
		s.add(program.Close, program.Num(3))
		s.exec()
	}, "step 2 of stage 3 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a file too many that has come with the rest", program.Harmless, func(s sketch) {
		s = s.wait()
		s.Given = []int{0}
		s.exec()
	}, "step 0 of stage 3 leaves descriptor 1 to the program, which did not ask for it"},
	{"where something fails", program.HostDirectory, func(s sketch) {
		missing := s.p.Ahead()
		s.openat(3, "self/oom_score_adj", 1|openCloexec).On(2, &missing)
		s.add(program.Close, program.Num(3))
		missing.Place()
		s.chroot()
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"in one way of two", program.HostDirectory, func(s sketch) {
		s.add(program.Test, s.p.Words(0), program.Num(1), program.Num(2))
		s.add(program.Close, program.Num(3))
		s.chroot()
		s.exec()
	}, "step 6 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"a jump back", program.HostDirectory, func(s sketch) {
		s.path(program.Chdir, "/work").Next = 2
		s.exec()
		s.chroot()
		s.add(program.Test, s.p.Words(0), program.Num(1), program.Num(-3))
		s.add(program.Close, program.Num(3))
		s.exec()
	}, "step 3 of stage 1 follows a path while descriptor 3, a directory of the host's, is open"},
	{"the working directory outside", program.Harmless, func(s sketch) {
		s.path(program.Chroot, "/jail")
		s.path(program.Chdir, "/work")
		s.exec()
	}, "step 3 of stage 1 follows a path while the working directory is outside of the root"},
	{"a directory of the host's as the working directory", program.HostDirectory, func(s sketch) {
		s.chroot()
		s.add(program.Fchdir, program.Num(3))
		s.add(program.Close, program.Num(3))
		s.exec()
	}, "step 6 of stage 1 follows a path while the working directory is outside of the root"},
	{"a loop that ends early", program.Harmless, func(s sketch) {
		s.Highest, s.Shared, s.p.Steps = 100, false, nil
		s.closeFrom(0, 3)
		s.closeFrom(4, 100)
		s.chroot()
		s.exec()
	}, "step 10 of stage 1 follows a path while files of the parent's may be open"},
	{"too early", program.Harmless, func(s sketch) {
		s.p.Steps = nil
		s.openat(cwdFD, "/dev/null", 0)
		s.exec()
	}, "step 0 of stage 1 changes the parent's descriptor table"},
	{"not open", program.Harmless, func(s sketch) {
		s.add(program.Dup3, program.Num(4), program.Num(1), program.Num(0))
		s.exec()
	}, "step 2 of stage 1 uses descriptor 4, which is not open"},
	{"to itself", program.Harmless, func(s sketch) {
		s.add(program.Dup3, program.Num(3), program.Num(3), program.Num(0))
		s.exec()
	}, "step 2 of stage 1 duplicates descriptor 3 to itself, which fails"},
	{"a number that is not one, often", program.Harmless, func(s sketch) {
		s.add(program.Close, program.Num(3))
		s.add(program.Getpid)
		pid := s.p.Result()
		s.add(program.Kill, pid, pid)
		s.add(program.Close, pid)
		s.exec()
	}, "step 6 of stage 1 closes a descriptor that is not known"},
	{"not known", program.Harmless, func(s sketch) {
		s.add(program.Getpid)
		s.add(program.Close, s.p.Result())
		s.exec()
	}, "step 3 of stage 1 closes a descriptor that is not known"},
	{"too much", program.Harmless, func(s sketch) {
		s.add(program.Fcntl, program.Num(3), program.Num(fcntlSetFD), program.Num(0))
		s.exec()
	}, "step 3 of stage 1 leaves descriptor 3 to the program, which did not ask for it"},
	{"too little", program.Harmless, func(s sketch) {
		s.Given = []int{3}
		s.exec()
	}, "step 2 of stage 1 leaves the program without descriptor 3, which it is to have"},
	{"nowhere", program.Harmless, func(s sketch) {
		s.add(program.Getpid).Next = 5
		s.exec()
	}, "step 7 of stage 1 does not exist, and is jumped to"},
}

func TestVerifyBad(t *testing.T) {
	for _, test := range badStarts {
		s := sketched(test.three)
		test.make(s)
		var got []string
		for _, p := range Verify(s.Start) {
			got = append(got, p.String())
		}
		if !slices.Contains(got, test.want) {
			t.Errorf("%s: problems:\n\t%s\nwant\t%s\nin\n%s", test.name, strings.Join(got, "\n\t"), test.want, list(s.Start))
		}
	}
}

// These are as they should be.
var goodStarts = []struct {
	name  string
	three program.FileKind // descriptor 3
	make  func(s sketch)
}{
	{"a descriptor that is used often", program.Harmless, func(s sketch) {
		s.add(program.Close, program.Num(3))
		s.openat(cwdFD, "/file", 1)
		s.p.WithOpen(func(fd program.Arg) {
			for range 4 {
				s.add(program.Fcntl, fd, program.Num(fcntlSetFD), program.Num(0))
			}
		})
		s.exec()
	}},
	{"nothing", program.Harmless, func(s sketch) { s.exec() }},
	{"closed before", program.HostDirectory, func(s sketch) {
		s.openat(3, "self/oom_score_adj", 1|openCloexec)
		s.add(program.Close, program.Num(3))
		s.chroot()
		s.path(program.Chdir, "/work")
		s.add(program.Close, program.Num(0))
		s.exec()
	}},
	{"a file of the host's, and no other opened", program.HostFile, func(s sketch) {
		s.chroot()
		s.path(program.Chdir, "/work")
		s.exec()
	}},
	{"come with the rest", program.HostDirectory, func(s sketch) {
		s = s.wait()
		s.Given = []int{0, 5}
		s.add(program.Dup3, program.Num(1), program.Num(5), program.Num(0))
		s.add(program.Close, program.Num(1))
		s.exec()
	}},
	{"closed by its execve", program.HostDirectory, func(s sketch) {
		s = s.split()
		s.chroot()
		s.path(program.Chdir, "/work")
		s.exec()
	}},
	{"asked for in another root", program.Harmless, func(s sketch) {
		s.chroot()
		s.openat(cwdFD, "/proc/self/status", openCloexec).Field = "Attr.Files[0]"
		s.add(program.Execve, s.p.Str("/proc/self/fd/3"), s.p.Strs(nil), s.p.Strs(nil))
	}},
	{"in the host's root", program.HostDirectory, func(s sketch) {
		s.path(program.Chdir, "/work")
		s.add(program.Fchdir, program.Num(3))
		s.exec()
	}},
	{"asked for", program.ForProgram, func(s sketch) {
		s.Given = []int{5}
		s.add(program.Dup3, program.Num(3), program.Num(5), program.Num(0))
		s.chroot()
		s.path(program.Chdir, "/work")
		s.exec()
	}},
	{"one by one", program.Harmless, func(s sketch) {
		s.Highest, s.Shared, s.p.Steps = 5000, false, nil
		s.closeFrom(0, 3)
		s.closeFrom(4, 5001)
		s.chroot()
		s.exec()
	}},
	{"a long wait", program.Harmless, func(s sketch) {
		count := s.p.Words(0)
		again, late, done := s.p.Here(), s.p.Ahead(), s.p.Ahead()
		s.p.Copy("", count, count).Args[1] = program.Num(1)
		s.p.GotoIf("", count, program.Num(0), &late)
		s.p.GotoIf("", s.p.Words(0), program.Num(0), &again).Then(&done)
		late.Place()
		s.add(program.Move, program.Num(0))
		done.Place()
		s.exec()
	}},
	{"another number each time", program.Harmless, func(s sketch) {
		s.openat(cwdFD, "/dev/null", 0)
		s.openat(cwdFD, "/dev/null", 1)
		opened := s.p.Result()
		s.add(program.Dup3, opened, program.Num(4), program.Num(0))
		s.add(program.Close, opened).Ignore(9)
		s.Given = []int{0, 4}
		s.exec()
	}},
}

func TestVerifyGood(t *testing.T) {
	for _, test := range goodStarts {
		s := sketched(test.three)
		test.make(s)
		if problems := Verify(s.Start); len(problems) > 0 {
			t.Errorf("%s: problems %v\nin\n%s", test.name, problems, list(s.Start))
		}
	}
}

// A jump whose target never gets a place is found by the verifier.
func TestJumpToNowhere(t *testing.T) {
	s := sketched(program.Harmless)
	nowhere := s.p.Ahead()
	s.add(program.Getpid).Then(&nowhere)
	s.add(program.Close, program.Num(3))
	s.exec()
	problems := Verify(s.Start)
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "target") {
		t.Errorf("problems %v", problems)
	}
}
