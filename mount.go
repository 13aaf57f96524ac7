package sprog

import "os"

// A Mount puts something at Target. It has exactly one source: Bind, File, Tmpfs,
// Proc, Dev, Kernel, Overlay, Data, Dir, Symlink or Mask. Without a source it
// changes what is at Target already, by Flags, Clear or Propagation.
//
// Paths of sources are the caller's, and mean what they meant to the caller: they
// are resolved before the first mount is placed, with the caller's ids, in his
// root. A source that is a symbolic link stands for what it leads to.
//
// A program with CAP_SYS_ADMIN in the user namespace of the view can change the view: it can
// unmount a mask, and write to what Flags make read-only. Root in a new user namespace has
// that capability unless Attr.Caps takes it away or Attr.ForbidUserNamespaces moves the program
// to another namespace. A program that may make namespaces of its own can uncover nothing,
// but it can rename a directory that something is mounted on. ForbidUserNamespaces
// prevents that, too. Without a new user namespace, root with all capabilities is not
// confined by a view: with CAP_DAC_READ_SEARCH it opens every file of a file system that it sees a part of,
// and with CAP_MKNOD it makes every device.
//
// Mounts are made with mount_setattr and its kin, Linux 5.12; an older kernel,
// or a filter that denies them, leaves mount(2), which sprog then uses. See
// mount(2) and mount_setattr(2).
type Mount struct {
	// Target is where, as the program will see it: an absolute path without "..".
	// Symbolic links in it are followed inside the program's root, and those of
	// /proc that lead elsewhere are refused. Empty, it is Bind.
	//
	// A missing target, and the directories above it, are made where the view
	// itself has made the file system: an Empty root, a Tmpfs, a Dev. On a file
	// system of the caller's nothing is ever made unless Create says so, and the
	// start fails with ENOENT. What is mounted at / must come first, and is the
	// root.
	Target string

	// Bind is a file or directory of the caller's, and all that is mounted
	// below it.
	Bind string

	// File is the same by an open file, in any mode, O_PATH included: it is this
	// very file that the program gets, whoever renames what. It must have been
	// opened by a path in the caller's mount namespace. In a new or joined user namespace,
	// or without the right to mount, the child opens the path again, which the file has by
	// then, and the start fails with ESTALE unless that is the same file.
	File *os.File

	// Tmpfs is an empty file system in memory.
	Tmpfs *Tmpfs

	// Proc is a file system of processes.
	Proc *Proc

	// Dev is a minimal /dev.
	Dev *Dev

	// Kernel is one of the kernel's own file systems.
	Kernel KernelFS

	// Overlay is a union of directories of the caller's.
	Overlay *Overlay

	// Data, if not nil, is the content of a file that lives as long as the view.
	// Its mode is Mode, or 0600. Unless an Overlay is Private, all such files together can
	// grow by a megabyte.
	Data []byte

	// Dir makes a directory, with Mode or 0755. One that is there is left as it is.
	Dir bool

	// Symlink makes a symbolic link with this text. One with the same text is left
	// as it is; anything else at Target is an error.
	Symlink string

	// Mask hides what is at Target: a directory becomes an empty read-only one,
	// and anything else the caller's /dev/null. It is nothing where Target does not exist.
	Mask bool

	// Flags are set on the mount and on all that came with it. What the kernel
	// has locked stays set whatever Flags are. Dir, Symlink and a Mount that
	// has neither mounts nor is one take none.
	Flags MountFlags

	// Clear is taken away: of Tmpfs, Proc, Dev and Kernel the flags that they
	// have by default, of a Bind or File those that it has in the caller's view. The kernel
	// answers EPERM in a user namespace that the flags were not set in.
	Clear MountFlags

	// Mode is that of Data and Dir, permission bits and the three above. Without a source it
	// becomes that of what is at Target, as chmod(2) has it.
	Mode *uint32

	// Copy has Data written into a file of the file system that Target is in, instead of being
	// mounted there. A file that is there is overwritten, and keeps its mode. The directory has to be
	// there.
	Copy bool

	// Optional has the mount left out if its source does not exist; without a
	// source, if Target does not exist. Birth.View tells.
	Optional bool

	// Create has a missing target made also on a file system of the caller's,
	// where it stays: directories of mode 0755, and a file of mode 0444.
	// Without it the start leaves no trace there.
	Create bool

	// Shallow is for Bind and File, which come without what is mounted below
	// then, and for flags on what is there. In a new user namespace it is refused
	// for Bind and File: the kernel does not uncover what a mount hides.
	Shallow bool

	// Propagation is that of the mount and those that came with it.
	Propagation Propagation

	// IDMap is for Bind and File: the files belong to other ids inside, also on what is mounted below
	// unless the mount is Shallow. See MountIDMap.
	IDMap *MountIDMap
}

// MountFlags are the attributes of a mount.
type MountFlags uint32

const (
	MountReadOnly   MountFlags = 1 << iota // nothing can be changed below; sockets, FIFOs and devices can still be written to
	MountNoSUID                            // set-user-ID bits and file capabilities mean nothing
	MountNoDev                             // no device can be opened
	MountNoExec                            // no program can be executed
	MountNoSymlinks                        // no symbolic link is followed; Linux 5.14
	MountNoAtime                           // reading changes no time; EPERM where another atime flag is locked
)

// A Tmpfs is nosuid and nodev unless Mount.Clear says otherwise; see tmpfs(5).
type Tmpfs struct {
	// Size is the most that it holds, in bytes. Zero stands for half of the memory.
	Size int64
	// Inodes is how many files it can have. Zero stands for half of the number of pages of
	// memory.
	Inodes int64
	// Mode is that of its root. Nil stands for 0755; a /tmp has 01777.
	Mode *uint32
	// Huge says when it takes huge pages: "never", "always", "within_size" or
	// "advise". Empty leaves the kernel's setting.
	Huge string
}

// A Proc is a new proc file system, nosuid, nodev and noexec. It shows the
// processes of the PID namespace that the program is in. In a new user
// namespace that has to be a new one, too. See proc(5).
//
// The kernel refuses it in a user namespace if something is mounted over parts
// of the caller's /proc, as in every container (EPERM, "Mount too revealing").
type Proc struct {
	// Hide says what users see of the processes of others: the option hidepid.
	Hide ProcHide
	// PIDsOnly leaves out all but the processes: subset=pid, Linux 5.8.
	PIDsOnly bool
	// Writable leaves sys, sysrq-trigger, irq and bus as they are. Without it
	// they are read-only.
	Writable bool
	// Fallback says what to do where the kernel refuses a new one.
	Fallback ProcFallback
}

// ProcHide is the option hidepid of proc(5).
type ProcHide uint8

const (
	ProcHideDefault    ProcHide = iota // the PID namespace's first mount of it decides
	ProcHideContents                   // hidepid=1: what is in the directories of others
	ProcHideProcesses                  // hidepid=2: these directories, too
	ProcHidePtraceable                 // hidepid=4: all that it may not trace; Linux 5.8
)

// ProcFallback is what is at the place of a proc file system that the kernel
// refuses. Birth.View tells which it was.
type ProcFallback uint8

const (
	// ProcRefuse has the start fail.
	ProcRefuse ProcFallback = iota
	// ProcOfCaller is the caller's own /proc, read-only, with what is mounted over parts
	// of it. The program sees names, command lines and status of the processes outside,
	// under their numbers there. It needs a new user namespace: without one,
	// /proc/PID/root of a process outside would lead out of the view.
	ProcOfCaller
	// ProcEmpty is an empty read-only directory.
	ProcEmpty
)

// A Dev is a small /dev, nosuid and nodev: a tmpfs with devices of the caller's,
// the links fd, stdin, stdout, stderr, core and ptmx, a directory shm of mode 01777, and
// an instance of devpts of its own. Nothing else in it can be a device.
type Dev struct {
	// Nodes are the names of the caller's devices in it. Nil stands for null,
	// zero, full, random, urandom and tty.
	Nodes []string
	// NoPTS leaves out pts and ptmx.
	NoPTS bool
	// Console, if not nil, is a terminal of the caller's that is console inside. It is this very
	// terminal or none, as Mount.File is.
	Console *os.File
	// ConsolePTY has the terminal of Cmd.StartPTY be that, which there is none of before.
	ConsolePTY bool
}

// KernelFS is a file system of the kernel's, which shows what belongs to one of the
// program's namespaces.
type KernelFS uint8

const (
	KernelNone    KernelFS = iota
	KernelSysfs            // sysfs(5), of the network namespace; nosuid, nodev, noexec and read-only
	KernelMqueue           // message queues of the IPC namespace: mq_overview(7)
	KernelCgroup2          // cgroups(7) from the root of the cgroup namespace on; read-only
	KernelDevpts           // pseudo-terminals of its own: pts(4)
)

// A MountIDMap says which ids the files of a mount belong to, there and nowhere else. The ids of a mount can
// be mapped once. What is made there by an id that no range has as Seen fails with EOVERFLOW.
//
// This process makes the mount before the start. It needs CAP_SYS_ADMIN in the user namespace of the file system,
// the rights to write the map (user_namespaces(7)), and a kernel that can do it with that file system: Linux 5.12
// for ext4, XFS and FAT, 5.15 for Btrfs, 6.3 for tmpfs. See mount_setattr(2), "ID-mapped mounts".
//
// For a program with CAP_SYS_ADMIN in a new user namespace of its own the mount has no locks: the program can clear
// flags that the mount has outside, and unmount what is mounted below.
type MountIDMap struct {
	UIDs, GIDs []IDRange
}

// An IDRange maps ids that follow each other: what belongs to Disk on the file system
// belongs to Seen in the mount, in the numbers of the caller's user namespace. What
// belongs to an id that no range has, belongs to nobody.
type IDRange struct{ Disk, Seen, Size int }

// A ViewBirth tells what a start has made of Attr.Mounts.
type ViewBirth struct {
	// LeftOut are the indexes of the optional mounts that were left out.
	LeftOut []int
	// Fallbacks are the indexes of those whose Proc.Fallback was taken.
	Fallbacks []int
}

// SystemMounts are the mounts that an Empty root needs to execute the programs of
// this system: /usr, and /bin, /sbin, /lib, /lib32, /lib64 and /libx32 as links or directories, as the
// system has them, with /etc/ld.so.cache and /etc/alternatives. The flags are
// set on all of them. It looks at the running system.
func SystemMounts(flags MountFlags) []Mount {
	mounts := []Mount{{Bind: "/usr", Flags: flags, Optional: true}}
	for _, dir := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if to, err := os.Readlink(dir); err == nil {
			mounts = append(mounts, Mount{Target: dir, Symlink: to})
		} else if _, err := os.Lstat(dir); err == nil {
			mounts = append(mounts, Mount{Bind: dir, Flags: flags, Optional: true})
		}
	}
	for _, path := range []string{"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"} {
		mounts = append(mounts, Mount{Bind: path, Flags: flags, Optional: true})
	}
	return mounts
}
