// Package bwrap is the command line of bubblewrap: it reads the options that bwrap
// takes, and has sprog do what they say.
package bwrap

// Options are what a command line comes to. Descriptors are -1 where none is named.
type Options struct {
	Help, Version bool
	LevelPrefix   bool

	UnshareUser, UnshareUserTry     bool
	UnshareIPC, UnsharePID          bool
	UnshareNet, UnshareUTS          bool
	UnshareCgroup, UnshareCgroupTry bool
	DisableUserns, AssertUserns     bool
	UserNS, UserNS2, PIDNS          int
	UID, GID                        int // -1: the caller's
	Hostname                        string

	Chdir                     string
	Argv0                     *string
	Env                       []string
	Ops                       []Op
	Locks                     []string
	SyncFD, BlockFD           int
	UserNSBlockFD             int
	InfoFD, StatusFD          int
	Seccomp                   int   // the descriptor of --seccomp
	Filters                   []int // those of --add-seccomp-fd
	ExecLabel, FileLabel      string
	NewSession, DieWithParent bool
	AsPID1                    bool
	CapEdits                  []CapEdit

	Command []string
}

// A CapEdit is a --cap-add or a --cap-drop.
type CapEdit struct {
	Add  bool
	Name string
}

// An Op is an operation on the file system, in the order of the command line.
type Op struct {
	Kind   Kind
	Source string   // of binds: a path; of links: the text; of overlays: the upper directory
	Work   string   // of an overlay
	Lower  []string // of an overlay, the lowest first
	FD     int      // where the content, or the file to bind, comes from
	Dest   string
	Perms  int // -1 where there are none
	Size   int64
	Try    bool // a missing source is no error
}

// A Kind is what an operation does.
type Kind uint8

const (
	Bind Kind = iota
	ReadOnlyBind
	DevBind
	RemountReadOnly
	Overlay
	PrivateOverlay
	ReadOnlyOverlay
	Proc
	Dev
	Tmpfs
	Mqueue
	Dir
	File
	BindData
	ReadOnlyBindData
	Symlink
	Chmod
)

// A mistake is an error in the command line.
type mistake string

func (m mistake) Error() string { return string(m) }
