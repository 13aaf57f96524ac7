//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// aView is a command with a view, in a user namespace of its own. It has sub, a directory, and file in
// the scene.
func aView(root *Root, mounts func(x *scene) []Mount, more ...func(x *scene, c *Cmd)) func(*scene) *Cmd {
	return func(x *scene) *Cmd {
		must(os.Mkdir(x.dir+"/sub", 0o755))
		x.write("file", 0o644, "text")
		c := &Cmd{Path: "/bin/true", Dir: "/", Attr: &Attr{Root: root}, SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534),
		}}
		if mounts != nil {
			c.Attr.Mounts = mounts(x)
		}
		for _, f := range more {
			f(x, c)
		}
		return c
	}
}

// just are mounts that need nothing of the scene.
func just(list ...Mount) func(*scene) []Mount { return func(*scene) []Mount { return list } }

// executing has the command execute another file.
func executing(path string) func(*scene, *Cmd) { return func(_ *scene, c *Cmd) { c.Path = path } }

// asRootOf has the view made by root, without a user namespace.
func asRootOf(_ *scene, c *Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
}

var failingViews = []failing{
	{asked: "A bind of what does not exist", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/no/such/file"})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /no/such/file (Attr.Mounts[0]): no such file or directory (/no does not exist)`},
	{asked: "A bind through a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir + "/file/below"}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/file/below (Attr.Mounts[0]): not a directory (/tmp/x/file is a regular file, no directory)`},
	{asked: "A bind of what the user may not reach", make: aView(nil, func(x *scene) []Mount {
		must(os.Mkdir(x.dir+"/hidden", 0o755))
		must(os.Chmod(x.dir+"/hidden", 0))
		return []Mount{{Target: "/tmp", Bind: x.dir + "/hidden/file"}}
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/hidden/file (Attr.Mounts[0]): permission denied (user 65534 with the rights of the new user namespace may not search /tmp/x/hidden, which is d--------- of user 0 and group 0)`},
	{asked: "A bind of a link that goes in circles", make: aView(nil, func(x *scene) []Mount {
		must(os.Symlink("loop", x.dir+"/loop"))
		return []Mount{{Target: "/tmp", Bind: x.dir + "/loop"}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/loop (Attr.Mounts[0]): too many levels of symbolic links (symbolic links lead in a circle, by way of /tmp/x/loop)`},
	{asked: "A mount where the host has nothing", make: aView(nil, just(Mount{Target: "/no/such/place", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such/place (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "A mount below a bind that has no such directory", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Bind: x.dir}, {Target: "/tmp/new", Tmpfs: &Tmpfs{}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/new (Attr.Mounts[1]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "A mount below a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file/below", Tmpfs: &Tmpfs{}}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/file/below (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view)`},
	{asked: "A directory on a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file", Tmpfs: &Tmpfs{}}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: move_mount /tmp/x/file (Attr.Mounts[0]): invalid argument (a directory goes on a directory, and a file on what is none)`},
	{asked: "A file on a directory", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/sub", Bind: x.dir + "/file"}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: move_mount /tmp/x/sub (Attr.Mounts[0]): invalid argument (a directory goes on a directory, and a file on what is none)`},
	{asked: "A mount through a link of /proc", make: aView(nil, just(Mount{Target: "/proc/self/root/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /proc/self/root/tmp (Attr.Mounts[0]): too many levels of symbolic links (the path leads through a link of /proc to something that is open, which is not followed, or through too many links)`},
	{asked: "A mount at a link that leads nowhere", make: aView(nil, func(x *scene) []Mount {
		must(os.Symlink("nowhere", x.dir+"/link"))
		return []Mount{{Target: x.dir + "/link", Tmpfs: &Tmpfs{}, Create: true}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/link (Attr.Mounts[0]): no such file or directory (a symbolic link there leads to nothing in the program's view, and nothing is made through links)`},
	{asked: "A mount to be created below what is read-only", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Bind: x.dir, Flags: MountReadOnly}, {Target: "/tmp/new", Tmpfs: &Tmpfs{}, Create: true}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mkdirat /tmp/new (Attr.Mounts[1]): read-only file system (it is missing in the program's view, and cannot be made: what is mounted there is read-only)`},
	{asked: "A mount to be created where the user may not write", make: aView(nil, just(Mount{Target: "/usr/new", Tmpfs: &Tmpfs{}, Create: true})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mkdirat /usr/new (Attr.Mounts[0]): permission denied (it is missing in the program's view, and the child has no right to make it)`},
	{asked: "A mount to be created below a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file/new", Tmpfs: &Tmpfs{}, Create: true}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/file/new (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view)`},
	{asked: "A directory that is a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file", Dir: true}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/file/ (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view)`},
	{asked: "A directory that is not there", make: aView(nil, just(Mount{Target: "/no/such/directory", Dir: true})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such/directory/ (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "A link where a file is", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file", Symlink: "sub"}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: symlinkat /tmp/x/file (Attr.Mounts[0]): file exists (something else is there in the program's view)`},
	{asked: "A link where another link is", make: aView(nil, func(x *scene) []Mount {
		must(os.Symlink("file", x.dir+"/link"))
		return []Mount{{Target: x.dir + "/link", Symlink: "sub"}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: symlinkat /tmp/x/link (Attr.Mounts[0]): file exists (something else is there in the program's view)`},
	{asked: "A link in a directory that is not there", make: aView(nil, just(Mount{Target: "/no/such/link", Symlink: "sub"})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "Flags of what is not there", make: aView(nil, just(Mount{Target: "/no/such/place", Flags: MountReadOnly})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such/place (Attr.Mounts[0]): no such file or directory (the program sees nothing there, of which flags could be set)`},
	{asked: "A clear of what the caller has read-only", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir + "/sub", Clear: MountReadOnly}} }, func(x *scene, c *Cmd) {
		must(unix.Mount(x.dir, x.dir, "", unix.MS_BIND, ""))
		must(unix.Mount("", x.dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mount_setattr /tmp/x/sub (Attr.Mounts[0]): operation not permitted (a flag that a mount has in the caller's namespace cannot be cleared in a new user namespace)`},
	{asked: "Times of access where the caller has another way", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir, Flags: MountNoAtime}} }), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mount_setattr /tmp/x (Attr.Mounts[0]): operation not permitted (what a mount does about times of access in the caller's namespace cannot be changed in a new user namespace)`},
	{asked: "A new /proc where something is mounted over parts of the caller's", make: aView(nil, just(Mount{Target: "/proc", Proc: &Proc{}}), func(*scene, *Cmd) { must(unix.Mount("/dev/null", "/proc/version", "", unix.MS_BIND, "")) }), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsmount proc (Attr.Mounts[0]): operation not permitted (a user namespace gets no more of /proc than the caller has, and these have something mounted over them: /proc/version. Proc.Fallback says what there is to be instead)`},
	{asked: "An overlay of what does not exist", make: aView(nil, just(Mount{Target: "/tmp", Overlay: &Overlay{Lower: []string{"/no/such/a", "/no/such/b"}}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig lowerdir+=/no/such/a (Attr.Mounts[0]): no such file or directory (/no does not exist)`},
	{asked: "An overlay of a file", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Overlay: &Overlay{Lower: []string{x.dir + "/file"}, Private: true}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig lowerdir+=/tmp/x/file (Attr.Mounts[0]): invalid argument (the kernel says: overlay: /tmp/x/file is not a directory)`},
	{asked: "An overlay of a directory that something is mounted below", make: aView(nil, func(x *scene) []Mount {
		must(unix.Mount("none", x.dir+"/sub", "tmpfs", 0, ""))
		return []Mount{{Target: "/tmp", Overlay: &Overlay{Lower: []string{x.dir}, Private: true}}}
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): invalid argument (likely something is mounted below one of the directories, which a user namespace must not uncover, or one is on a file system that overlays cannot be made of)`},
	{asked: "An overlay of another that has no work", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Overlay: &Overlay{Lower: []string{"/usr"}, Upper: x.dir + "/sub", Work: x.dir + "/no-work"}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig workdir=/tmp/x/no-work (Attr.Mounts[0]): no such file or directory (/tmp/x/no-work does not exist)`},
	{asked: "A device that the caller has not", make: aView(&Root{Empty: true}, just(Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"no-such-device"}}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /dev/no-such-device (Attr.Mounts[0]): no such file or directory`},
	{asked: "A mask where the caller's /dev/null is a file", make: aView(nil, just(Mount{Target: "/etc/passwd", Mask: true}), func(x *scene, c *Cmd) {
		must(unix.Mount(x.dir+"/file", "/dev/null", "", unix.MS_BIND, ""))
		c.Stdin, c.Stdout, c.Stderr = os.Stderr, os.Stderr, os.Stderr
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: statx /dev/null (Attr.Mounts[0]): no such device (this process's /dev/null is not that device, and would be what hides files)`},
	{asked: "A root that does not exist", make: aView(&Root{Dir: "/no/such/root"}, nil), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /no/such/root (Attr.Root): no such file or directory (/no does not exist)`},
	{asked: "A root that is a file", make: aView(&Root{Dir: "/etc/passwd"}, nil), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: move_mount / (Attr.Root): invalid argument (the root has to be a directory)`},
	{asked: "A program that an empty root has not", make: aView(&Root{Empty: true}, nil), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: execve: no such file or directory (the program's view has no such file; this process sees it, so a mount of it is missing)`},
	{asked: "A script whose interpreter a view has not", make: aView(nil, func(x *scene) []Mount {
		x.write("script", 0o755, "#!/no/such/interpreter\n")
		return []Mount{{Target: "/tmp", Bind: x.dir}}
	}, executing("/tmp/script")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/script: execve: no such file or directory (the interpreter /no/such/interpreter, which the first line of /tmp/script names, does not exist in the program's view)`},
	{asked: "A script whose interpreter is the host's", make: aView(&Root{Empty: true}, func(x *scene) []Mount {
		x.write("script", 0o755, "#!/bin/sh\n")
		return []Mount{{Target: "/app", Bind: x.dir}}
	}, executing("/app/script")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /app/script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /app/script names, does not exist in the program's view; this process sees it, so a mount of it is missing)`},
	{asked: "A script whose interpreter is the host's, with an init", make: aView(&Root{Empty: true}, func(x *scene) []Mount {
		x.write("script", 0o755, "#!/bin/sh\n")
		return []Mount{{Target: "/app", Bind: x.dir}}
	}, executing("/app/script"), func(_ *scene, c *Cmd) { c.Attr.Init = &Init{} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /app/script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /app/script names, does not exist in the program's view; this process sees it, so a mount of it is missing)`},
	{asked: "A program that is text, in a view", make: aView(nil, func(x *scene) []Mount {
		x.write("text", 0o755, "just words\n")
		return []Mount{{Target: "/tmp", Bind: x.dir}}
	}, executing("/tmp/text")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/text: execve: exec format error (/tmp/text is text without a first line such as #!/bin/sh, which would say what executes it)`},
	{asked: "A program on a mount that is noexec", make: aView(nil, func(x *scene) []Mount {
		x.write("text", 0o755, "#!/bin/sh\n")
		return []Mount{{Target: "/tmp", Bind: x.dir, Flags: MountNoExec}}
	}, executing("/tmp/text")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/text: execve: permission denied (/tmp/text is below /tmp, which Attr.Mounts[0] has mounted noexec)`},
	{asked: "A program that nobody may execute, in a view", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir}} }, executing("/tmp/file")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/file: execve: permission denied (/tmp/file, or what executes it, is there and may not be executed: by its mode, or because its file system is mounted noexec)`},
	{asked: "A working directory that a view has not", make: aView(&Root{Empty: true}, func(x *scene) []Mount { return fromHost() }, func(x *scene, c *Cmd) { c.Dir = x.dir }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: chdir /tmp/x (Dir): no such file or directory (the program's view has no such directory; this process sees it, so a mount of it is missing)`},
	{asked: "A working directory that is a file, in a view", make: aView(nil, nil, func(x *scene, c *Cmd) {
		c.Attr.Mounts = []Mount{{Target: "/tmp", Bind: x.dir}}
		c.Dir = "/tmp/file"
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: chdir /tmp/file (Dir): not a directory`},
	{asked: "Mounts by an ordinary user without a user namespace", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}), asRootOf), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: unshare CLONE_NEWNS (SysProcAttr.Unshareflags): operation not permitted (a new mount namespace takes CAP_SYS_ADMIN, which an ordinary user has in a new user namespace: add CLONE_NEWUSER to SysProcAttr.Cloneflags)`},
	{asked: "Mounts in a user namespace without maps", make: aView(&Root{Empty: true}, just(Mount{Target: "/a", Dir: true}), func(_ *scene, c *Cmd) { c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = nil, nil }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mkdirat /a (Attr.Mounts[0]): value too large for defined data type (the file system has no id for the owner of a new file: the user namespace has to map the caller's user and group by SysProcAttr.UidMappings and GidMappings)`},
	{asked: "Mounts where a filter denies them", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces}, world: denying("fsopen", unix.EPERM),
		want: `sprog: start /bin/true: fsopen tmpfs (Attr.Mounts[0]): operation not permitted (likely the seccomp filter that is in force for this process denies it, as those of containers do: see Seccomp in /proc/self/status)`},
	{asked: "Mounts by a process in a Landlock domain", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces}, world: inDomain,
		want: `sprog: start /bin/true: move_mount /tmp (Attr.Mounts[0]): operation not permitted (likely this process is in a Landlock domain that restricts files, which may change no mounts)`},
	{asked: "A file whose path leads to another one by now", make: aView(nil, func(x *scene) []Mount {
		f, err := os.Open(x.dir + "/file")
		must(err)
		must(unix.Mount("/dev/null", x.dir+"/file", "", unix.MS_BIND, ""))
		return []Mount{{Target: "/tmp", File: f}}
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: statx /tmp/x/file (Attr.Mounts[0]): stale file handle (the path that the file has leads to another one)`},
	{asked: "A file that was removed", make: aView(nil, func(x *scene) []Mount {
		f, err := os.Open(x.dir + "/file")
		must(err)
		must(os.Remove(x.dir + "/file"))
		return []Mount{{Target: "/etc/passwd", File: f}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/file (deleted) (Attr.Mounts[0]): no such file or directory (the file has been removed, so that the child finds it nowhere: it is passed on only without another user namespace, and with CAP_SYS_ADMIN)`},
	{asked: "Content that is longer than files may be", make: aView(nil, just(Mount{Target: "/etc/passwd", Data: []byte("0123456789")}), func(_ *scene, c *Cmd) {
		c.Attr.Rlimits = []Rlimit{{Resource: unix.RLIMIT_FSIZE, Cur: 5, Max: 5}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write 1 "0123456789" (Attr.Mounts[0]): file too large (it is longer than RLIMIT_FSIZE allows, which is 5)`},
	{asked: "A root and a change of the root", make: aView(&Root{Empty: true}, nil, func(_ *scene, c *Cmd) { c.SysProcAttr.Chroot = "/tmp" }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: (Attr.Root): cannot be combined with SysProcAttr.Chroot: both change the root directory`},
	{asked: "A mount at two places", make: aView(nil, just(Mount{Target: "/a", Bind: "/b", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: /a (Attr.Mounts[0]): has both Bind and Tmpfs`},
	{asked: "A target that leads up", make: aView(nil, just(Mount{Target: "/tmp/../etc", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: /tmp/../etc (Attr.Mounts[0].Target): has ".." in it`},
}

// inDomain has the launch made in a Landlock domain that restricts files.
func inDomain(c *Cmd) {
	c.Attr.NoNewPrivs = true
	c.Attr.Landlock = &Landlock{Files: &LandlockFiles{Handled: LandlockMakeSock}}
}
