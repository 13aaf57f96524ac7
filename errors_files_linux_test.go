//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

var failingFiles = []failing{
	{asked: "A working directory that does not exist", make: func(x *scene) *Cmd { return &Cmd{Path: "/bin/true", Dir: x.dir + "/no/such"} },
		want: "sprog: start /bin/true: chdir /tmp/x/no/such (Dir): no such file or directory (/tmp/x/no does not exist)"},
	{asked: "A working directory that is a file", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: x.write("file", 0o644, "")}
	},
		want: "sprog: start /bin/true: chdir /tmp/x/file (Dir): not a directory (/tmp/x/file is a regular file)"},
	{asked: "A working directory that only root may search", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: x.mkdir("private", 0o700)}
	}, by: prepared,
		want: "sprog: start /bin/true: chdir /tmp/x/private (Dir): permission denied (user 65534 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "One below it, by root for another user", make: func(x *scene) *Cmd {
		x.mkdir("private", 0o700)
		return &Cmd{Path: "/bin/true", Dir: x.mkdir("private/dir", 0o755),
			SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: chdir /tmp/x/private/dir (Dir): permission denied (user 1000 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "A working directory that the new root does not have", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: x.dir, SysProcAttr: &syscall.SysProcAttr{Chroot: x.mkdir("root", 0o755)}}
	}, by: byRoot,
		want: "sprog: start /bin/true: chdir /tmp/x (Dir): no such file or directory (/tmp does not exist in /tmp/x/root: the path is looked up in the new root; the old one has it)"},
	{asked: "A file as the working directory by its descriptor", make: func(x *scene) *Cmd {
		f, err := os.Open(x.write("file", 0o644, ""))
		must(err)
		return &Cmd{Path: "/bin/true", Attr: &Attr{DirFile: f}}
	},
		want: "sprog: start /bin/true: fchdir (Attr.DirFile): not a directory (/tmp/x/file is a regular file)"},
	{asked: "A directory by its descriptor that the new user may not search", make: func(x *scene) *Cmd {
		f, err := os.Open(x.mkdir("private", 0o700))
		must(err)
		return &Cmd{Path: "/bin/true", Attr: &Attr{DirFile: f}, SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: fchdir (Attr.DirFile): permission denied (user 1000 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "A new root that does not exist", make: sysOf(&syscall.SysProcAttr{Chroot: "/no/such/root"}),
		want: "sprog: start /bin/true: chroot /no/such/root (SysProcAttr.Chroot): no such file or directory (/no does not exist)"},
	{asked: "A new root that is a file", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Chroot: x.write("file", 0o644, "")}}
	}, by: byRoot,
		want: "sprog: start /bin/true: chroot /tmp/x/file (SysProcAttr.Chroot): not a directory (/tmp/x/file is a regular file)"},
	{asked: "A new root, by an ordinary user", make: sysOf(&syscall.SysProcAttr{Chroot: "/"}), by: ordinary,
		want: "sprog: start /bin/true: chroot / (SysProcAttr.Chroot): operation not permitted (it takes CAP_SYS_CHROOT, which an ordinary user has in a new user namespace: CLONE_NEWUSER in SysProcAttr.Cloneflags)"},
	{asked: "A file to open that does not exist", make: func(x *scene) *Cmd { return opens(x.dir+"/no/such", unix.O_RDONLY) },
		want: "sprog: start /bin/true: openat /tmp/x/no/such (Attr.Files[0]): no such file or directory (/tmp/x/no does not exist)"},
	{asked: "A file to open that another user may not read", make: func(x *scene) *Cmd {
		c := opens(x.write("secret", 0o600, ""), unix.O_RDONLY)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
		return c
	}, by: byRoot,
		want: "sprog: start /bin/true: openat /tmp/x/secret (Attr.Files[0]): permission denied (user 1000 may not read /tmp/x/secret, which is -rw------- of user 0 and group 0)"},
	{asked: "A file to create where only root may", make: func(x *scene) *Cmd {
		return opens(x.mkdir("logs", 0o755)+"/log", unix.O_WRONLY|unix.O_CREAT)
	}, by: prepared,
		want: "sprog: start /bin/true: openat /tmp/x/logs/log (Attr.Files[0]): permission denied (user 65534 may not create files in /tmp/x/logs, which is drwxr-xr-x of user 0 and group 0)"},
	{asked: "A directory to open for writing", make: func(x *scene) *Cmd { return opens(x.mkdir("dir", 0o755), unix.O_WRONLY) },
		want: "sprog: start /bin/true: openat /tmp/x/dir (Attr.Files[0]): is a directory (/tmp/x/dir is a directory, which cannot be written to)"},
	{asked: "A FIFO that nobody reads, without waiting", make: func(x *scene) *Cmd {
		must(unix.Mkfifo(x.dir+"/fifo", 0o644))
		return opens(x.dir+"/fifo", unix.O_WRONLY|unix.O_NONBLOCK)
	},
		want: "sprog: start /bin/true: openat /tmp/x/fifo (Attr.Files[0]): no such device or address (nobody has the FIFO open for reading)"},
	{asked: "A socket to open", make: func(x *scene) *Cmd {
		must(unix.Mknod(x.dir+"/socket", unix.S_IFSOCK|0o755, 0))
		return opens(x.dir+"/socket", unix.O_RDWR)
	},
		want: "sprog: start /bin/true: openat /tmp/x/socket (Attr.Files[0]): no such device or address (/tmp/x/socket is a socket, which is connected to and not opened)"},
	{asked: "A file to write in a read-only file system", make: func(x *scene) *Cmd {
		disk := x.mount("disk", 0)
		path := x.write("disk/file", 0o644, "")
		must(unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
		return opens(path, unix.O_WRONLY)
	}, by: byRoot,
		want: "sprog: start /bin/true: openat /tmp/x/disk/file (Attr.Files[0]): read-only file system (/tmp/x/disk/file is in a file system that is mounted read-only at /tmp/x/disk)"},
	{asked: "A file that has been closed", make: func(x *scene) *Cmd {
		f, err := os.Open(os.DevNull)
		must(err)
		must(f.Close())
		return &Cmd{Path: "/bin/true", Stdout: f}
	},
		want: "sprog: start /bin/true: /dev/null (Stdout): file already closed"},
	{asked: "A second stage without /proc", make: func(*scene) *Cmd {
		must(unix.Mount("none", "/proc", "tmpfs", 0, ""))
		return &Cmd{Path: "/bin/true", Attr: &Attr{OOMScoreAdj: new(1000)}}
	}, by: byRoot,
		want: "sprog: start /bin/true: open /proc (Attr.OOMScoreAdj): no such file or directory (no proc file system is mounted at /proc)"},
}

// opens is a command that opens a file for its descriptor 3.
func opens(path string, flags int) *Cmd {
	return &Cmd{Path: "/bin/true", Attr: &Attr{Files: []File{{FD: 3, Path: path, Flags: flags, Mode: 0o644}}}}
}
