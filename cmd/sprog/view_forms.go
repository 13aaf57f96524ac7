//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sprog-dev/sprog"
)

// How the values of the flags for mounts are read.
type (
	bindForm        struct{}
	roBindForm      struct{}
	devBindForm     struct{}
	tmpfsForm       struct{}
	procForm        struct{}
	mountProcForm   struct{}
	devForm         struct{}
	overlayForm     struct{}
	maskForm        struct{}
	readWriteForm   struct{}
	dataAtForm      struct{}
	symlinkForm     struct{}
	systemForm      struct{}
	privateTmpForm  struct{}
	privateHomeForm struct{}
	privateDevForm  struct{}
)

func one(m sprog.Mount, err error) ([]sprog.Mount, error) { return []sprog.Mount{m}, err }

func (bindForm) parse(s string) ([]sprog.Mount, error) {
	return one(parseBind(s, sprog.MountNoDev))
}

func (roBindForm) parse(s string) ([]sprog.Mount, error) {
	return one(parseBind(s, sprog.MountNoDev|sprog.MountReadOnly))
}

func (devBindForm) parse(s string) ([]sprog.Mount, error) { return one(parseBind(s, 0)) }

func (readWriteForm) parse(s string) ([]sprog.Mount, error) {
	path, optional := strings.CutSuffix(s, "?")
	path, err := absolute(path)
	return one(sprog.Mount{Bind: path, Optional: optional}, err)
}

func (tmpfsForm) parse(s string) ([]sprog.Mount, error) {
	at, options, _ := strings.Cut(s, ":")
	at, err := absolute(at)
	if err != nil {
		return nil, err
	}
	return one(tmpfsAt(at, options, nil))
}

func (procForm) parse(s string) ([]sprog.Mount, error) {
	at, err := absolute(s)
	return one(sprog.Mount{Target: at, Proc: &sprog.Proc{}}, err)
}

func (mountProcForm) parse(s string) ([]sprog.Mount, error) {
	return procForm{}.parse(cmp.Or(s, "/proc"))
}

func (devForm) parse(s string) ([]sprog.Mount, error) {
	at, err := absolute(s)
	return one(sprog.Mount{Target: at, Dev: &sprog.Dev{}}, err)
}

func (privateDevForm) parse(s string) ([]sprog.Mount, error) {
	var nodes nameList
	err := nodes.Set(s)
	return one(sprog.Mount{Target: "/dev", Dev: &sprog.Dev{Nodes: nodes}}, err)
}

func (maskForm) parse(s string) ([]sprog.Mount, error) {
	at, err := absolute(strings.TrimSuffix(s, "?"))
	return one(sprog.Mount{Target: at, Mask: true}, err)
}

func (dataAtForm) parse(s string) ([]sprog.Mount, error) {
	at, text, ok := strings.Cut(s, "=")
	if !ok {
		return nil, fmt.Errorf("%q is not DST=TEXT", s)
	}
	at, err := absolute(at)
	return one(sprog.Mount{Target: at, Data: []byte(text), Mode: new(uint32(0o444)), Flags: sprog.MountReadOnly}, err)
}

func (symlinkForm) parse(s string) ([]sprog.Mount, error) {
	at, text, err := decodePair(s, "DST=TEXT")
	if err == nil {
		at, err = absolute(at)
	}
	return one(sprog.Mount{Target: at, Symlink: text}, err)
}

func (systemForm) parse(s string) ([]sprog.Mount, error) {
	if s != "" && s != "ro" {
		return nil, fmt.Errorf("%q is not ro", s)
	}
	return sprog.SystemMounts(sprog.MountReadOnly), nil
}

// overlayForm's value is DST=LOWER:LOWER,upper=DIR,work=DIR.
func (overlayForm) parse(s string) ([]sprog.Mount, error) {
	at, layers, err := decodePair(s, "DST=LOWER[:LOWER...][,upper=DIR,work=DIR]")
	if err != nil {
		return nil, err
	}
	lower, options, _ := strings.Cut(layers, ",")
	return mountForm{}.parse("type=overlay,dst=" + at + ",lower=" + lower + "," + options)
}

func (privateTmpForm) parse(s string) ([]sprog.Mount, error) {
	var list []sprog.Mount
	for _, at := range []string{"/tmp", "/var/tmp"} {
		m, err := tmpfsAt(at, s, new(uint32(0o1777)))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func (privateHomeForm) parse(s string) ([]sprog.Mount, error) {
	home, err := os.UserHomeDir()
	if err == nil && (!filepath.IsAbs(home) || filepath.Clean(home) == "/") {
		err = fmt.Errorf("HOME is %q, which is no directory to be hidden", home)
	}
	if err != nil {
		return nil, err
	}
	return one(tmpfsAt(filepath.Clean(home), s, new(uint32(0o700))))
}

// parseBind parses SRC[?][:DST[:ro]].
func parseBind(s string, flags sprog.MountFlags) (m sprog.Mount, err error) {
	parts := strings.Split(s, ":")
	source, optional := strings.CutSuffix(parts[0], "?")
	m.Flags, m.Optional = flags, optional
	if m.Bind, err = absolute(source); err != nil {
		return m, err
	}
	if len(parts) > 1 {
		if m.Target, err = absolute(parts[1]); err != nil {
			return m, err
		}
	}
	for _, option := range parts[min(len(parts), 2):] {
		switch option {
		case "ro":
			m.Flags |= sprog.MountReadOnly
		case "rw", "z", "Z":
		default:
			return m, fmt.Errorf("%q is not SRC[:DST[:ro]]: for a path with a colon there is --mount", s)
		}
	}
	return m, nil
}

// absolute is a path as others see it, whose working directory may be another one.
func absolute(path string) (string, error) {
	switch {
	case path == "":
		return "", errors.New("a path is empty")
	case strings.IndexByte(path, 0) >= 0:
		return "", fmt.Errorf("%q has a NUL byte", path)
	}
	return filepath.Abs(path)
}
