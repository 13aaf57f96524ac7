package cgroup

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Leaf is the name of the cgroup that Make moves processes to if they are in the
// way of a controller.
const Leaf = "sprog-leaf"

// A Spec is a cgroup to be made.
type Spec struct {
	// Parent is the directory of the cgroup to make it in. Empty stands for the
	// nearest one that this process may use and that has all controllers which are
	// needed.
	Parent string
	// Name is one component of a path. Empty stands for a new name.
	Name string
	// Writes are the values of its files, in the order in which they are written.
	Writes []Write
	// Controllers are needed besides those that have the files.
	Controllers []string
	// Evacuate lets Make move the processes of the parent to Leaf below it.
	Evacuate bool
}

// A Write is the value of a file of the cgroup. That of io.max may begin with the path
// of a device.
type Write struct {
	File, Value string
	Label       string // what the caller calls it
}

// Make makes the cgroup and writes its files. If it fails it leaves nothing, and
// returns an [*Error]. If not, call [Group.Commit] or [Group.Discard].
func Make(s *Spec) (*Group, error) {
	parents, err := s.parents()
	if err != nil {
		return nil, failed("Parent", err)
	}
	parent, err := s.choose(parents)
	for _, p := range parents {
		if err != nil || p != parent {
			p.close()
		}
	}
	if err != nil {
		return nil, failed("", err)
	}
	g, err := s.mkdir(parent)
	if err != nil {
		parent.close()
		return nil, notMade(parent, err)
	}
	if err := g.Write(s.Writes); err != nil {
		g.Discard()
		return nil, err
	}
	return g, nil
}

// notMade is the error of a parent in which no cgroup can be made.
func notMade(parent dir, err error) *Error {
	if !errors.Is(err, fs.ErrPermission) {
		return failed("Name", err)
	}
	e := failed("Parent", err)
	e.Hint = parent.path + " is not delegated to user " + strconv.Itoa(os.Geteuid())
	return e
}

func (s *Spec) parents() ([]dir, error) {
	if s.Parent == "" {
		return usableParents()
	}
	d, err := openDir(path.Clean(s.Parent), unix.CGROUP2_SUPER_MAGIC)
	return []dir{d}, err
}

// choose finds the parent, and enables the controllers in it.
func (s *Spec) choose(parents []dir) (dir, error) {
	need := s.controllers()
	var first error
	for _, d := range parents {
		err := d.enable(need)
		if err == nil {
			return d, nil
		}
		if first == nil {
			first = err
		}
	}
	var inTheWay *refusal
	if !s.Evacuate || !errors.As(first, &inTheWay) || inTheWay.holder != parents[0].path {
		return dir{}, first
	}
	if err := parents[0].evacuate(); err != nil {
		return dir{}, err
	}
	return parents[0], parents[0].enable(need)
}

func (s *Spec) mkdir(parent dir) (*Group, error) {
	name := s.Name
	for {
		if s.Name == "" {
			name = "sprog-" + strconv.FormatUint(rand.Uint64(), 36)
		}
		err := parent.mkdir(name)
		if err == nil {
			break
		}
		if s.Name != "" || !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	d, err := parent.sub(name)
	if err != nil {
		parent.rmdir(name)
		return nil, err
	}
	return &Group{name: name, up: parent, at: d}, nil
}

// Write writes values to its files. The error is an [*Error].
func (g *Group) Write(writes []Write) error {
	for _, w := range writes {
		value := w.Value
		var err error
		if w.File == "io.max" {
			value, err = resolveDevice(value)
		}
		if err == nil {
			err = g.at.write(w.File, value)
		}
		if err != nil {
			e := failed(w.Label, err)
			e.Hint = explainWrite(err, value)
			return e
		}
	}
	return nil
}

// explainWrite says what the kernel means where a file does not take a value. The
// error comes to name the value.
func explainWrite(err error, value string) string {
	var of *fs.PathError
	if !errors.As(err, &of) {
		return ""
	}
	if of.Op == "write" {
		of.Path += " " + strconv.Quote(value)
	}
	switch {
	case of.Op == "open" && errors.Is(err, fs.ErrNotExist):
		return "this kernel's cgroups do not have the file"
	case of.Op != "write":
		return ""
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE):
		return "the file does not take that value"
	case errors.Is(err, unix.ENODEV):
		return "there is no such device"
	}
	return ""
}

// resolveDevice replaces the path of a device, which a line begins with, by its numbers.
func resolveDevice(line string) (string, error) {
	device, rest, _ := strings.Cut(line, " ")
	if !strings.Contains(device, "/") {
		return line, nil
	}
	var st unix.Stat_t
	if err := unix.Stat(device, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: device, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return "", &os.PathError{Op: "stat", Path: device, Err: &refusal{reason: "is not a block device", errno: unix.EINVAL}}
	}
	return strconv.Itoa(int(unix.Major(st.Rdev))) + ":" + strconv.Itoa(int(unix.Minor(st.Rdev))) + " " + rest, nil
}

// Enables is what is written to cgroup.subtree_control of the parent, or empty
// where no controller is needed.
func (s *Spec) Enables() string {
	if need := s.controllers(); len(need) > 0 {
		return enabling(need)
	}
	return ""
}

// controllers are those that the cgroup needs, each once.
func (s *Spec) controllers() (list []string) {
	need := func(name string) {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, w := range s.Writes {
		if name := controllerOf(w.File); name != "" {
			need(name)
		}
	}
	for _, name := range s.Controllers {
		need(name)
	}
	return list
}

// controllerOf is the controller that has a file, or "" if all cgroups have it.
func controllerOf(file string) string {
	name, rest, _ := strings.Cut(file, ".")
	if name == "cgroup" || rest == "pressure" {
		return ""
	}
	return name
}
