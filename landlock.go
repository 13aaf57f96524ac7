package sprog

import (
	"os"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

// LandlockNewestABI is the newest version of Landlock that this package knows,
// that of Linux 7.2.
const LandlockNewestABI = 10

// Landlock takes rights to files and ports from the program and all that it
// starts, and leaves those that rules give back. See landlock(7). A right that
// is not handled stays as it is. It needs Attr.NoNewPrivs, or CAP_SYS_ADMIN in
// the program's user namespace.
//
// Rules are made with the program's credentials and in its root. The program
// itself has to be executable under them: that takes the rights to read and to
// execute it and its interpreter or dynamic loader, and to read its libraries.
// Files that are open already, such as the program's standard streams, stay
// usable. With Attr.Init it applies to the program and not to the init.
//
// What the running kernel cannot do is an error before anything runs, unless
// BestEffort says otherwise.
type Landlock struct {
	// ABI is the version of Landlock whose rights are meant where a Handled
	// is zero, so that a policy stays what it is when this package learns of
	// more: 1 (Linux 5.13) to [LandlockNewestABI]. Zero is the newest.
	ABI int
	// Files, if not nil, is about files and directories.
	Files *LandlockFiles
	// Ports, if not nil, is about TCP and UDP ports.
	Ports *LandlockPorts
	// Scopes cuts off what lies outside of the program and its descendants.
	Scopes LandlockScope
	// Log says which denials are written to the audit log.
	Log LandlockLog
	// BestEffort leaves out what the running kernel lacks, down to no
	// protection at all where it has no Landlock or has it disabled.
	// Birth.Landlock tells what was applied and what was left out, and Probe
	// does beforehand, which is all there is for [Cmd.Exec].
	BestEffort bool
}

// LandlockFiles are the rights to files that are taken, and those given back.
// Moving or linking a file to another directory takes [LandlockRefer], whether
// that is handled or not.
type LandlockFiles struct {
	// Handled are the rights that are taken where no rule gives them. Zero
	// takes all that Landlock.ABI has.
	Handled LandlockAccess
	// Rules give rights. What several rules give adds up.
	Rules []LandlockPath
}

// A LandlockPath is a rule for a directory with all that is in it, or for one
// file. It needs either Path or File.
type LandlockPath struct {
	// Path is opened by the child, which follows symbolic links.
	Path string
	// File is an open file or directory of this process's.
	File *os.File
	// Rights are what is given. Those that are not handled need not be. For
	// a file that is no directory those about directories are left out.
	Rights LandlockAccess
	// Optional has no rule made if Path does not exist.
	Optional bool
}

// LandlockPorts are the rights to ports that are taken, and those given back.
type LandlockPorts struct {
	// Handled are the rights that are taken. Zero takes all that Landlock.ABI
	// has: TCP from 4 on, TCP and UDP from 10 on.
	Handled LandlockPortAccess
	// Rules give rights. What several rules give adds up.
	Rules []LandlockPort
}

// A LandlockPort is a rule for one port, at whatever address.
type LandlockPort struct {
	Port   uint16 // 0 stands for ports that the kernel chooses
	Rights LandlockPortAccess
}

// A LandlockAccess is a set of rights to files. The constants have the names
// and values of the kernel's LANDLOCK_ACCESS_FS.
type LandlockAccess uint64

const (
	LandlockExecute     LandlockAccess = 1 << iota
	LandlockWriteFile                  // open for writing
	LandlockReadFile                   // open for reading
	LandlockReadDir                    // open or list
	LandlockRemoveDir                  // remove or rename
	LandlockRemoveFile                 // unlink or rename
	LandlockMakeChar                   // create, rename or link a character device
	LandlockMakeDir                    // create or rename
	LandlockMakeReg                    // create, rename or link a regular file
	LandlockMakeSock                   // create, rename or link
	LandlockMakeFifo                   // create, rename or link
	LandlockMakeBlock                  // create, rename or link a block device
	LandlockMakeSym                    // create, rename or link
	LandlockRefer                      // link or rename between directories; ABI 2, Linux 5.19
	LandlockTruncate                   // ABI 3, Linux 6.2
	LandlockIoctlDev                   // ioctl(2) on devices; ABI 5, Linux 6.10
	LandlockResolveUnix                // connect to a socket by its path; ABI 9, Linux 7.1
)

// Groups of rights that are often given together.
const (
	// LandlockRead is to read files and directories.
	LandlockRead = LandlockReadFile | LandlockReadDir
	// LandlockWrite is to change, create, move and remove files and
	// directories, but not to create devices.
	LandlockWrite = LandlockWriteFile | LandlockTruncate | LandlockRefer | LandlockRemoveDir | LandlockRemoveFile |
		LandlockMakeDir | LandlockMakeReg | LandlockMakeSock | LandlockMakeFifo | LandlockMakeSym
)

// A LandlockPortAccess is a set of rights to ports, with the values of the
// kernel's LANDLOCK_ACCESS_NET.
type LandlockPortAccess uint64

const (
	LandlockBindTCP        LandlockPortAccess = 1 << iota // ABI 4, Linux 6.7
	LandlockConnectTCP                                    // ABI 4
	LandlockBindUDP                                       // bind, also to a port that the kernel chooses for sending; ABI 10, Linux 7.2
	LandlockConnectSendUDP                                // set a remote port, or send to one; ABI 10
)

// A LandlockScope is a set of LANDLOCK_SCOPE bits; ABI 6, Linux 6.12.
type LandlockScope uint64

const (
	LandlockScopeAbstractUnixSocket LandlockScope = 1 << iota // connections to abstract sockets
	LandlockScopeSignal                                       // signals
)

// A LandlockLog is a set of flags of landlock_restrict_self(2) about the audit
// log; ABI 7, Linux 6.15. The kernel logs what is denied to a process that has
// restricted itself, until it executes another program: a start is always
// before that, so that by default nothing is logged of the program.
type LandlockLog uint32

const (
	LandlockLogSameExecOff   LandlockLog = 1 << iota // not what is denied to the child before it executes
	LandlockLogNewExecOn                             // what is denied to the program and its descendants
	LandlockLogSubdomainsOff                         // not what is denied by restrictions that the program adds itself
)

// A LandlockSet is what Landlock restricts.
type LandlockSet struct {
	Files  LandlockAccess
	Ports  LandlockPortAccess
	Scopes LandlockScope
	Log    LandlockLog
}

// Probe asks the kernel, and tells what a start would apply with BestEffort.
func (l *Landlock) Probe() LandlockResult { return landlockResult(launch.ProbeLandlock(l.spec())) }

// String returns the kernel's names of all that is in the set, joined by "|",
// or "nothing".
func (s LandlockSet) String() string {
	return spec.LandlockSet{Files: spec.LandlockAccess(s.Files), Ports: spec.LandlockPortAccess(s.Ports),
		Scopes: spec.LandlockScope(s.Scopes), Log: spec.LandlockLog(s.Log)}.String()
}

// A LandlockResult tells what a start has made of Attr.Landlock.
type LandlockResult struct {
	// ABI is the version of Landlock that the kernel has, or 0 if it has none.
	ABI int
	// Reason says why it has none.
	Reason string
	// Applied is what the program is restricted in.
	Applied LandlockSet
	// Missing is what was asked for and the kernel lacks. It is empty without
	// BestEffort.
	Missing LandlockSet
}
