//go:build amd64 || arm64

package sprog

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
)

var failingPrograms = []failing{
	{asked: "A script whose interpreter does not exist", make: content("#!/no/such/shell -e\n"),
		want: "sprog: start /tmp/x/program: execve: no such file or directory (the interpreter /no/such/shell, which the first line of /tmp/x/program names, does not exist)"},
	{asked: "A script with the line ends of Windows", make: content("#!/bin/sh\r\nexit\r\n"),
		want: `sprog: start /tmp/x/program: execve: no such file or directory (the interpreter "/bin/sh\r", which the first line of /tmp/x/program names, ends in a carriage return: the file has the line ends of Windows (dos2unix removes them))`},
	{asked: "A script whose interpreter is no program", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("script", 0o755, "#!"+x.write("notes", 0o755, "remember the milk\n")+"\n")}
	},
		want: "sprog: start /tmp/x/script: execve: exec format error (the interpreter /tmp/x/notes, which the first line of /tmp/x/script names: /tmp/x/notes is text without a first line such as #!/bin/sh, which would say what executes it)"},
	{asked: "A script whose interpreter may not be executed", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("script", 0o755, "#!"+x.write("shell", 0o644, "")+"\n")}
	}, by: byRoot,
		want: "sprog: start /tmp/x/script: execve: permission denied (the interpreter /tmp/x/shell, which the first line of /tmp/x/script names: nobody may execute /tmp/x/shell, which is -rw-r--r-- of user 0 and group 0: chmod +x gives the right)"},
	{asked: "Scripts run by scripts, seven deep", make: func(x *scene) *Cmd {
		path := "/bin/sh"
		for _, name := range []string{"g", "f", "e", "d", "c", "b", "a"} {
			path = x.write(name, 0o755, "#!"+path+"\n")
		}
		return &Cmd{Path: path}
	},
		want: "sprog: start /tmp/x/a: execve: too many levels of symbolic links (the interpreter /tmp/x/g, which the first line of /tmp/x/f names: interpreters can be scripts themselves, but only five deep)"},
	{asked: "An ELF file whose dynamic loader does not exist", make: func(x *scene) *Cmd { return content(dynamic("/lib/ld-none.so"))(x) },
		want: "sprog: start /tmp/x/program: execve: no such file or directory (the dynamic loader /lib/ld-none.so, which the ELF file /tmp/x/program names, does not exist)"},
	{asked: "An ELF file whose dynamic loader is a script", make: func(x *scene) *Cmd {
		return content(dynamic(x.write("loader", 0o755, strings.Repeat("#!/bin/sh\n", 20))))(x)
	},
		want: "sprog: start /tmp/x/program: execve: accessing a corrupted shared library (the dynamic loader /tmp/x/loader, which the ELF file /tmp/x/program names, is no ELF file for this machine)"},
	{asked: "A text file", make: content("echo hello\n"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is text without a first line such as #!/bin/sh, which would say what executes it)"},
	{asked: "An empty file", make: content(""),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is empty)"},
	{asked: "A script that begins with a byte order mark", make: content("\xef\xbb\xbf#!/bin/sh\n"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program begins with a byte order mark: #! has to be the first two bytes)"},
	{asked: "A script in UTF-16", make: content("\xff\xfe#\x00!\x00/\x00"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is text in UTF-16, and a script has to be in UTF-8)"},
	{asked: "A script that names no interpreter", make: content("#!\nexit\n"),
		want: "sprog: start /tmp/x/program: execve: exec format error (the first line of /tmp/x/program names no interpreter behind #!)"},
	{asked: "A program for another processor", make: content(elfFile(binary.LittleEndian, explain.EtExec, 243, elfHeader{}, "")),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for RISC-V, and this machine is x86-64: get one that is built for it, or have binfmt_misc run it by an emulator such as QEMU)"},
	{asked: "A program for a big-endian processor", make: content(elfFile(binary.BigEndian, explain.EtExec, 22, elfHeader{}, "")),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for s390, and this machine is x86-64: get one that is built for it, or have binfmt_misc run it by an emulator such as QEMU)"},
	{asked: "A program for Windows", make: content("MZ\x90\x00\x03"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for Windows)"},
	{asked: "A program for macOS", make: content("\xcf\xfa\xed\xfe\x07"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for macOS)"},
	{asked: "An object file", make: func(x *scene) *Cmd {
		return content(elfFile(binary.LittleEndian, explain.EtRel, explain.OwnMachine().Machine, elfHeader{}, ""))(x)
	},
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is an object file, which has to be linked first)"},
	{asked: "An ELF file that was cut off", make: func(x *scene) *Cmd {
		return content(elfFile(binary.LittleEndian, explain.EtExec, explain.OwnMachine().Machine, elfHeader{}, "")[:100])(x)
	},
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is an ELF file for this machine, but damaged or incomplete)"},
	{asked: "A file without the right to execute it", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("program", 0o600, "#!/bin/sh\n")}
	}, by: byRoot,
		want: "sprog: start /tmp/x/program: execve: permission denied (nobody may execute /tmp/x/program, which is -rw------- of user 0 and group 0: chmod +x gives the right)"},
	{asked: "A program that only root may execute", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("program", 0o700, "#!/bin/sh\n")}
	}, by: prepared,
		want: "sprog: start /tmp/x/program: execve: permission denied (user 65534 may not execute /tmp/x/program, which is -rwx------ of user 0 and group 0)"},
	{asked: "A program in a directory that only root may search", make: func(x *scene) *Cmd {
		x.mkdir("private", 0o700)
		return &Cmd{Path: x.write("private/program", 0o755, "#!/bin/sh\n")}
	}, by: prepared,
		want: "sprog: start /tmp/x/private/program: execve: permission denied (user 65534 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "The same, by root for another user", make: func(x *scene) *Cmd {
		x.mkdir("private", 0o700)
		path := x.write("private/program", 0o755, "#!/bin/sh\n")
		return &Cmd{Path: path, SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}}
	}, by: byRoot,
		want: "sprog: start /tmp/x/private/program: execve: permission denied (user 1000 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "A program in a file system mounted noexec", make: func(x *scene) *Cmd {
		x.mount("disk", unix.MS_NOEXEC)
		return &Cmd{Path: x.write("disk/program", 0o755, "#!/bin/sh\n")}
	}, by: byRoot,
		want: "sprog: start /tmp/x/disk/program: execve: permission denied (/tmp/x/disk/program is in a file system that is mounted noexec at /tmp/x/disk)"},
	{asked: "An open FIFO as the program", make: func(x *scene) *Cmd {
		must(unix.Mkfifo(x.dir+"/fifo", 0o755))
		f, err := os.OpenFile(x.dir+"/fifo", unix.O_RDONLY|unix.O_NONBLOCK, 0)
		must(err)
		return &Cmd{Attr: &Attr{Program: f}}
	},
		want: "sprog: start /tmp/x/fifo: execveat (Attr.Program): permission denied (/tmp/x/fifo is a FIFO, and only regular files are executed)"},
	{asked: "A program that is being written", make: func(x *scene) *Cmd {
		path := x.write("program", 0o755, "#!/bin/sh\n")
		_, err := unix.Open(path, unix.O_WRONLY, 0)
		must(err)
		return &Cmd{Path: path}
	},
		want: "sprog: start /tmp/x/program: execve: text file busy (the file is open for writing, in this process)"},
	{asked: "An argument of 200 kB", make: simple(Cmd{Args: []string{"true", strings.Repeat("x", 200e3)}}), needs: []*requirement{pagesOf4K},
		want: "sprog: start /bin/true: execve: argument list too long (Args[1] has 200000 bytes, and one string can have 131071)"},
	{asked: "Arguments of 5 MB", make: func(*scene) *Cmd {
		must(unix.Setrlimit(unix.RLIMIT_STACK, &unix.Rlimit{Cur: 8 << 20, Max: 8 << 20}))
		return &Cmd{Path: "/bin/true", Args: slices.Repeat([]string{strings.Repeat("x", 50e3)}, 100), Env: []string{}}
	},
		want: "sprog: start /bin/true: execve: argument list too long (the arguments take 5000900 bytes and the environment 0, pointers included; together they can take 2097152, a quarter of the soft RLIMIT_STACK, 8388608)"},
	{asked: "A program with a file capability that was dropped", make: func(x *scene) *Cmd {
		x.mount("disk", 0)
		text, err := os.ReadFile("/bin/true")
		must(err)
		path := x.write("disk/program", 0o755, string(text))
		rawIO := "\x01\x00\x00\x02" + "\x00\x00\x02\x00" + strings.Repeat("\x00", 12) // effective, revision 2: CAP_SYS_RAWIO
		must(unix.Setxattr(path, "security.capability", []byte(rawIO), 0))
		return &Cmd{Path: path, Attr: &Attr{Caps: &Caps{Bounding: CapSet{Drop: []string{"CAP_SYS_RAWIO"}}}}}
	}, by: byRoot,
		want: "sprog: start /tmp/x/disk/program: execve: operation not permitted (/tmp/x/disk/program has CAP_SYS_RAWIO as a file capability, which is not in the child's bounding set: the kernel gives a program all of those or does not execute it)"},
	{asked: "More processes than the user may have", make: func(*scene) *Cmd {
		other := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}, Pdeathsig: syscall.SIGKILL}
		must((&Cmd{Path: "/bin/sleep", Args: []string{"sleep", "60"}, SysProcAttr: other}).Start())
		return &Cmd{Path: "/bin/true", SysProcAttr: other, Attr: &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC}}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: execve: resource temporarily unavailable (user 54321 has more processes than its RLIMIT_NPROC allows, which is 0)"},
}

var pagesOf4K = &requirement{what: "pages of 4 KiB", works: func() error {
	if os.Getpagesize() != 4096 {
		return unix.EINVAL
	}
	return nil
}}

var failingPaths = []failing{
	{asked: "A program that does not exist", make: func(x *scene) *Cmd { return &Cmd{Path: x.dir + "/program"} },
		want: "sprog: start /tmp/x/program: execve: no such file or directory"},
	{asked: "A program in a directory that does not exist", make: func(x *scene) *Cmd { return &Cmd{Path: x.dir + "/no/such/program"} },
		want: "sprog: start /tmp/x/no/such/program: execve: no such file or directory (/tmp/x/no does not exist)"},
	{asked: "A program whose directory is a file", make: func(x *scene) *Cmd { return &Cmd{Path: x.write("file", 0o644, "") + "/program"} },
		want: "sprog: start /tmp/x/file/program: execve: not a directory (/tmp/x/file is a regular file, no directory)"},
	{asked: "A directory as the program", make: func(x *scene) *Cmd { return &Cmd{Path: x.mkdir("dir", 0o755)} },
		want: "sprog: start /tmp/x/dir: execve: permission denied (/tmp/x/dir is a directory, and only regular files are executed)"},
	{asked: "A FIFO as the program", make: func(x *scene) *Cmd {
		path := x.dir + "/fifo"
		must(unix.Mkfifo(path, 0o755))
		return &Cmd{Path: path}
	},
		want: "sprog: start /tmp/x/fifo: execve: permission denied (/tmp/x/fifo is a FIFO, and only regular files are executed)"},
	{asked: "A symbolic link that leads nowhere", make: func(x *scene) *Cmd {
		must(os.Symlink("gone/program", x.dir+"/link"))
		return &Cmd{Path: x.dir + "/link"}
	},
		want: "sprog: start /tmp/x/link: execve: no such file or directory (/tmp/x/gone, where the symbolic link /tmp/x/link leads, does not exist)"},
	{asked: "Symbolic links in a circle", make: func(x *scene) *Cmd {
		must(os.Symlink("b", x.dir+"/a"))
		must(os.Symlink("a", x.dir+"/b"))
		return &Cmd{Path: x.dir + "/a"}
	},
		want: "sprog: start /tmp/x/a: execve: too many levels of symbolic links (symbolic links lead in a circle, by way of /tmp/x/a)"},
	{asked: "A name of 300 bytes", make: func(x *scene) *Cmd { return &Cmd{Path: "/" + strings.Repeat("x", 300)} },
		want: "sprog: start /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: execve: file name too long (a name in a path can have 255 bytes, and one of these has 300)"},
	{asked: "A relative path and another directory", make: func(x *scene) *Cmd {
		x.write("program", 0o755, "#!/bin/sh\n")
		must(os.Chdir(x.dir))
		return &Cmd{Path: "./program", Dir: x.mkdir("dir", 0o755)}
	},
		want: "sprog: start ./program: execve: no such file or directory (/tmp/x/dir/program does not exist: a relative path begins at Dir; where this process is, it exists)"},
	{asked: "A program that the new root does not have", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Chroot: x.mkdir("root", 0o755)}}
	}, by: byRoot,
		want: "sprog: start /bin/true: execve: no such file or directory (/bin does not exist in /tmp/x/root: the path is looked up in the new root; the old one has it)"},
	{asked: "A script whose interpreter the new root does not have", make: func(x *scene) *Cmd {
		root := x.mkdir("root", 0o755)
		x.write("root/script", 0o755, "#!/bin/sh\n")
		return &Cmd{Path: "/script", SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	}, by: byRoot,
		want: "sprog: start /script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /script names, does not exist in /tmp/x/root)"},
}
