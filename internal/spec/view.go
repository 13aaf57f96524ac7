package spec

import (
	"os"
	"path"
)

// A Root, a Mount and what they are made of are the view: see package sprog.
type Root struct {
	Host        bool
	Empty       bool
	Dir         string
	File        *os.File
	Overlay     *Overlay
	Flags       MountFlags
	Propagation Propagation
}

type Propagation uint8

const (
	PropagationDefault Propagation = iota
	PropagationPrivate
	PropagationSlave
	PropagationShared
	PropagationUnbindable
)

type Overlay struct {
	Lower       []string
	Upper, Work string
	Private     bool
	UserXattrs  bool
}

type Mount struct {
	Target      string
	Bind        string
	File        *os.File
	Tmpfs       *Tmpfs
	Proc        *Proc
	Dev         *Dev
	Kernel      KernelFS
	Overlay     *Overlay
	Data        []byte
	Dir         bool
	Symlink     string
	Mask        bool
	Flags       MountFlags
	Clear       MountFlags
	Mode        *uint32
	Copy        bool
	Optional    bool
	Create      bool
	Shallow     bool
	Propagation Propagation
	IDMap       *MountIDMap
}

type MountFlags uint32

const (
	MountReadOnly MountFlags = 1 << iota
	MountNoSUID
	MountNoDev
	MountNoExec
	MountNoSymlinks
	MountNoAtime

	allMountFlags = 1<<iota - 1
)

type Tmpfs struct {
	Size   int64
	Inodes int64
	Mode   *uint32
	Huge   string
}

type Proc struct {
	Hide     ProcHide
	PIDsOnly bool
	Writable bool
	Fallback ProcFallback
}

type ProcHide uint8

const (
	ProcHideDefault ProcHide = iota
	ProcHideContents
	ProcHideProcesses
	ProcHidePtraceable
)

type ProcFallback uint8

const (
	ProcRefuse ProcFallback = iota
	ProcOfCaller
	ProcEmpty
)

type Dev struct {
	Nodes   []string
	NoPTS   bool
	Console *os.File

	ConsolePTY bool
}

type KernelFS uint8

const (
	KernelNone KernelFS = iota
	KernelSysfs
	KernelMqueue
	KernelCgroup2
	KernelDevpts
)

type MountIDMap struct {
	UIDs, GIDs []IDRange
}

type IDRange struct{ Disk, Seen, Size int }

// HasView reports whether anything of the view is asked for.
func (r *Start) HasView() bool { return r.Attr.Root != nil || len(r.Attr.Mounts) > 0 }

// At is where the mount goes, without superfluous slashes and dots.
func (m *Mount) At() string {
	if m.Target == "" {
		return path.Clean("/" + m.Bind)
	}
	return path.Clean("/" + m.Target)
}

// isRoot reports whether the mount is the root directory itself.
func (m *Mount) isRoot() bool { return m.At() == "/" && len(m.sources()) > 0 }

// Opened is the open file that the mount is made of, or that goes into it, and its field.
func (m *Mount) Opened() (f *os.File, field string) {
	if m.Dev != nil {
		return m.Dev.Console, "Dev.Console"
	}
	return m.File, "File"
}

// Turns reports whether the program gets another root directory.
func (r *Start) Turns() bool {
	root, _, _ := r.ViewRoot()
	return root != nil
}

// ViewRoot is the mount that is the root directory, or nil where that is the caller's,
// and the others. A first mount at / is the root.
func (r *Start) ViewRoot() (root *Mount, field string, others int) {
	if list := r.Attr.Mounts; len(list) > 0 && list[0].isRoot() {
		return &list[0], Index("Attr.Mounts", 0), 1
	}
	root, field = r.Attr.Root.mount(), RootField
	return root, field, 0
}

// mount is the root as a mount.
func (r *Root) mount() *Mount {
	if r == nil || r.Host {
		return nil
	}
	m := &Mount{Target: "/", Bind: r.Dir, File: r.File, Overlay: r.Overlay, Flags: r.Flags}
	if r.Empty {
		m.Tmpfs = new(Tmpfs)
	}
	return m
}

// sources are the names of the fields that say what is mounted.
func (m *Mount) sources() (list []string) {
	for _, field := range [...]struct {
		name  string
		given bool
	}{
		{"Bind", m.Bind != ""}, {"File", m.File != nil}, {"Tmpfs", m.Tmpfs != nil}, {"Proc", m.Proc != nil}, {"Dev", m.Dev != nil},
		{"Kernel", m.Kernel != KernelNone}, {"Overlay", m.Overlay != nil}, {"Data", m.Data != nil}, {"Dir", m.Dir},
		{"Symlink", m.Symlink != ""}, {"Mask", m.Mask},
	} {
		if field.given {
			list = append(list, field.name)
		}
	}
	return list
}

// Source is the name of the field that says what is mounted, or "".
func (m *Mount) Source() string {
	if list := m.sources(); len(list) > 0 {
		return list[0]
	}
	return ""
}

// IsDirectory reports what the mount is, where that is known before it is opened.
func (m *Mount) IsDirectory() (is, known bool) {
	switch m.Source() {
	case "Tmpfs", "Proc", "Dev", "Kernel", "Overlay", "Dir":
		return true, true
	case "Data":
		return false, true
	}
	return false, false
}
