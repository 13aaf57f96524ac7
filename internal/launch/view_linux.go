//go:build amd64 || arm64

package launch

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// lookAtExe finds out whether a program in a view of its own has to be kept from the file that
// this process executes. It can get hold of that while the child shares this process's memory, by
// an interpreter /proc/self/exe, with a mount that is as writable as this process's
// (CVE-2019-5736).
func lookAtExe(r *spec.Start) *spec.Error {
	r.ExeIsSafe = r.HasView() && ExeIsSafe()
	return nil
}

// ExeIsSafe reports whether that file is others'. Tests put another answer.
var ExeIsSafe = func() bool {
	return os.Geteuid() != 0 && !kernel.HasCap(unix.CAP_DAC_OVERRIDE) && !kernel.HasCap(unix.CAP_FOWNER) && exeIsOthers()
}

// exeIsOthers reports whether this process's user can neither write to its executable nor give himself the
// right to.
var exeIsOthers = sync.OnceValue(func() bool {
	var st unix.Stat_t
	if unix.Stat("/proc/self/exe", &st) != nil || int(st.Uid) == unix.Getuid() || int(st.Uid) == unix.Geteuid() {
		return false
	}
	return unix.Access("/proc/self/exe", unix.W_OK) != nil && unix.Faccessat(unix.AT_FDCWD, "/proc/self/exe", unix.W_OK, unix.AT_EACCESS) != nil
})

// ownDir is this process's working directory.
func ownDir() string {
	if dir, err := os.Getwd(); err == nil {
		return dir
	}
	return "/"
}

// openView finds out what the child has to know of this process's view.
func (s *attempt) openView() *spec.Error {
	if !s.ask.HasView() {
		return nil
	}
	if underProot.Ask(func() bool { return kernel.Emulator() == "proot" }) {
		return &spec.Error{Field: s.ask.ViewField(), Err: terms.Message{Text: explain.EmulatedView(), Err: unix.EOPNOTSUPP}}
	}
	s.cwd = ownDir()
	s.given.Lacks |= oldCalls()
	if s.ask.ByMount = s.given.Lacks.Has(kernel.NoMountSetattr); s.ask.ByMount {
		s.given.Lacks |= kernel.NoLowerdirPlus
		if err := s.checkOldView(); err != nil {
			return err
		}
	}
	return s.trees(s.openTree)
}

// underProot is whether proot translates this process's paths. It does so for a file that is made in a file system
// which nobody can name, too, and makes it in the host's root.
var underProot kernel.Setting

// oldCalls are the calls that this kernel is too old for. Some distributions have brought a part of them to
// older kernels, where they do less, or do it badly: so the release decides.
func oldCalls() (lacks kernel.Missing) {
	if kernel.OlderThan(6, 8) {
		lacks |= kernel.NoLowerdirPlus
	}
	if kernel.OlderThan(5, 12) {
		lacks |= kernel.NoMountSetattr
	}
	if kernel.OlderThan(5, 6) {
		lacks |= kernel.NoOpenat2
	}
	return lacks
}

// supposeView is for a plan.
func (s *attempt) supposeView() *spec.Error {
	s.cwd = "/the/caller's/directory"
	return s.trees(func(m *spec.Mount, field string, index int) *spec.Error {
		tree := compile.Tree{Mount: index, Hole: compile.NotOpen}
		if m.IDMap != nil {
			s.describeMapped(m, field)
		} else {
			tree.Path = supposedPath(m)
		}
		if m.IDMap != nil || s.clonesTrees() {
			tree.Hole = s.given.Use(treeUse(field))
		}
		s.given.Trees = append(s.given.Trees, tree)
		return nil
	})
}

// trees calls a function for the root and for each mount that are open files, or whose ids are mapped.
func (s *attempt) trees(open func(m *spec.Mount, field string, index int) *spec.Error) *spec.Error {
	s.given.Trees = nil
	if !s.ask.HasView() {
		return nil
	}
	root, field, first := s.ask.ViewRoot()
	if root != nil && opensTree(root) {
		if err := open(root, field, first-1); err != nil {
			return err
		}
	}
	for i := first; i < len(s.ask.Attr.Mounts); i++ {
		if m := &s.ask.Attr.Mounts[i]; opensTree(m) {
			if err := open(m, spec.Index(spec.MountsField, i), i); err != nil {
				return err
			}
		}
	}
	return nil
}

func opensTree(m *spec.Mount) bool {
	f, _ := m.Opened()
	return f != nil || m.IDMap != nil || m.Dev != nil && m.Dev.ConsolePTY
}

// supposedPath is where a plan finds an open file.
func supposedPath(m *spec.Mount) string {
	if f, _ := m.Opened(); f != nil {
		return f.Name()
	}
	return "/dev/pts/N"
}

// openTree makes a mount of an open file, which the child could not: the file is of this
// process's mount namespace. Without the right to it, the child has to find the file again.
func (s *attempt) openTree(m *spec.Mount, field string, index int) *spec.Error {
	if m.IDMap != nil {
		return s.openMapped(m, field, index)
	}
	f, name := m.Opened()
	if f == nil {
		return spec.Invalid(field+".Dev.ConsolePTY", "", "is for {Cmd.StartPTY}, whose terminal it is")
	}
	refused := func(step string, err error) *spec.Error {
		return &spec.Error{Step: step, Object: f.Name(), Field: field + "." + name, Err: err}
	}
	fd, err := spec.FD(f)
	if err != nil {
		return refused("", err)
	}
	if m.Dev != nil {
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
			return refused("ioctl TCGETS", err)
		}
	}
	tree := compile.Tree{Mount: index, Hole: compile.NotOpen}
	if s.clonesTrees() {
		if tree.Hole, err = s.makeFile(treeUse(field), func() (int, error) { return ownTree(fd, m.Shallow) }); err != nil {
			return refused("open_tree", err)
		}
		s.given.Trees = append(s.given.Trees, tree)
		return nil
	}
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_INO, &st); err != nil {
		return refused("statx", err)
	}
	tree.Inode, tree.Major, tree.Minor = st.Ino, st.Dev_major, st.Dev_minor
	if tree.Path = pathwalk.RealPath(fd); tree.Path == "" {
		return refused("", unix.ENOENT)
	}
	s.given.Trees = append(s.given.Trees, tree)
	return nil
}

// ownTree clones what a descriptor is of. A clone of a shared mount would be its peer: what is
// mounted on the one appears on the other.
func ownTree(fd int, shallow bool) (int, error) {
	tree, err := cloneTree(fd, "", shallow)
	if err != nil {
		return -1, err
	}
	private := &unix.MountAttr{Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, private); err != nil {
		unix.Close(tree)
		return -1, err
	}
	return tree, nil
}

func cloneTree(fd int, path string, shallow bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if path == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	if !shallow {
		flags |= unix.AT_RECURSIVE
	}
	return unix.OpenTree(fd, path, flags)
}

// clonesTrees reports whether this process makes the mounts of open files for the child. For the mounts
// that a new mount namespace copies into another user namespace, the kernel locks their flags
// and what they cover, and so it does for clones of these. A mount that this process made would have no
// locks: who has all rights inside could write to what is read-only here, or uncover it.
func (s *attempt) clonesTrees() bool {
	return ClonesTrees() && !s.ask.ByMount && !s.ask.NewUserNamespace() && !s.given.Joins.Has(spec.UserNamespace)
}

// ClonesTrees reports whether this process may make mounts itself. Tests put another answer.
var ClonesTrees = func() bool { return kernel.HasCap(unix.CAP_SYS_ADMIN) }

// tellView reads what has become of the mounts.
func (s *attempt) tellView() {
	if s.to.Birth == nil || !s.ask.HasView() {
		return
	}
	r, view := &s.made.View, new(View)
	for i, bit := range r.Told {
		if s.viewWord(8*(i/32))>>(i%32)&1 == 0 {
			continue
		}
		if bit.What == compile.LeftOut {
			view.LeftOut = append(view.LeftOut, bit.Mount)
		} else {
			view.Fallbacks = append(view.Fallbacks, bit.Mount)
		}
	}
	s.to.Birth.View = view
}

// viewWord is a word of the report.
func (s *attempt) viewWord(at int) uint32 {
	if s.made.Second == nil {
		return binary.NativeEndian.Uint32(s.made.First.Data[int(s.made.View.Bits.Value)+at:])
	}
	return binary.NativeEndian.Uint32(s.stage.View()[at:])
}

// toldOfView is what the child has left behind of a view, where the step that failed tells of it.
func (s *attempt) toldOfView(e *spec.Error, res *machine.Result) (told explain.ViewFacts) {
	r := &s.made.View
	if !r.There || s.ask.InPlace || res.Place != machine.InChild && res.Place != machine.InSecond || (res.Place == machine.InSecond) != (s.made.Second != nil) {
		return told
	}
	for _, f := range r.Fails {
		if f.Step == res.Step {
			told.Flaw = flawed(f.Why, e, res)
			return told
		}
	}
	switch e.Step {
	case "fsopen", "fsconfig", "fsmount":
		for i := range 2 {
			message, _, _ := bytes.Cut(s.viewText()[i*compile.MessageSize:][:compile.MessageSize], []byte{0})
			if _, said, ok := strings.Cut(strings.TrimSpace(string(message)), " "); ok {
				told.Kernel = append(told.Kernel, said)
			}
		}
	case "execve":
		if n := s.readOfProgram(); n > 0 && n <= compile.ProgramSize {
			told.Program = bytes.Clone(s.viewText()[2*compile.MessageSize:][:n])
		}
	}
	return told
}

// keepView keeps what a second stage has left behind, whose file is closed before the reason is looked for.
func (s *attempt) keepView() {
	if s.made.View.There && s.stage != nil {
		s.leftText, s.leftView = s.stage.Shared(), s.stage.View()
	}
}

// viewText is what was read after the failure.
func (s *attempt) viewText() []byte {
	if s.made.Second == nil {
		return s.made.First.Data[s.made.View.Text.Value:][:compile.TextSize]
	}
	return s.leftText
}

// readOfProgram is how much of the program there is.
func (s *attempt) readOfProgram() int {
	if s.made.Second == nil {
		return int(binary.NativeEndian.Uint64(s.made.First.Data[s.made.View.Size.Value:]))
	}
	return int(binary.NativeEndian.Uint64(s.leftView[compile.ViewSizeAt:]))
}

// flawed completes the error of a step that is there to fail.
func flawed(why compile.ViewFlaw, e *spec.Error, res *machine.Result) (hint terms.Text) {
	if res.Errno, e.Step, hint = flaw(why); e.Step == "getcwd" {
		e.Object = ""
	}
	e.Err, e.Syscall = res.Errno, ""
	return hint
}

// flaw is what is wrong, and what has found it.
func flaw(why compile.ViewFlaw) (errno unix.Errno, step string, hint terms.Text) {
	switch why {
	case compile.NotNull:
		return unix.ENODEV, "statx", "this process's /dev/null is not that device, and would be what hides files"
	case compile.OtherFile:
		return unix.ESTALE, "statx", "the path that the file has leads to another one"
	case compile.AtRoot:
		return unix.EBUSY, "move_mount", "a link leads to the root directory, on which nothing would be seen"
	case compile.OtherThere:
		return unix.EEXIST, "symlinkat", "something else is there in the program's view"
	case compile.Truncated:
		return unix.EIO, "write", "a part of the content was not written"
	case compile.IsLink:
		return unix.ELOOP, "statx", "a symbolic link is there, which is followed with openat2 and mount_setattr only, Linux 5.12"
	case compile.Covered:
		return unix.EBUSY, "statx", "something is mounted on top of this process's root directory, so that the root cannot be left"
	}
	return unix.ENOENT, "getcwd", "the working directory would be outside of the program's root"
}
