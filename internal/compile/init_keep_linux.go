//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// keep has the init hold what it is to hold until its end. It is a process by itself: a lock is
// the process's, and no other closes its files.
func (in *initBuilder) keep() {
	for _, hole := range in.given.KeepFDs {
		in.kept = append(in.kept, in.fds.at(hole))
	}
	for _, path := range in.ask.Attr.Init.Locks {
		in.lock(path)
	}
}

// lock takes a lock. To close a descriptor of the file would release it, so the number that is to
// stay is made before.
func (in *initBuilder) lock(path string) {
	p, first, at := in.p, in.fds.spare(), in.fds.spare()
	in.fds.setOpen(first, false)
	in.add(program.Openat, Num(unix.AT_FDCWD), p.Str(path), Num(unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK), Num(0))
	opened := p.Result()
	in.add(program.Fcntl, opened, Num(unix.F_DUPFD_CLOEXEC), Num(at))
	number := p.Result()
	in.add(program.Close, opened).Quiet = true
	in.add(program.Fcntl, number, Num(unix.F_SETLK), p.Words(0, 0, 0, 0)) // struct flock: F_RDLCK is 0, and all zero is the whole file
	in.kept = append(in.kept, at)
}

// linger waits until no process is left below the init. Whoever reads what it tells of the
// program learns by the end of that that the program has ended.
func (in *initBuilder) linger() {
	p, done := in.p, in.p.Ahead()
	in.add(program.Close, Num(in.made.Report)).Ignore(program.AnyErrno)
	again := p.Here()
	in.add(program.Waitid, Num(unix.P_ALL), Num(0), Num(0), Num(unix.WEXITED), Num(0)).On(uint32(unix.ECHILD), &done).Retry(uint32(unix.EINTR))
	p.GotoIf(spec.InitField, p.Variable(0), Num(0), &again).Quiet = true
	done.Place()
}
