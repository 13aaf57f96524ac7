//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
)

// mountForm's value has the form of docker's --mount: keys and values, of which type is one.
type mountForm struct{}

// A mountWords is what a --mount says.
type mountWords struct {
	kind   string
	values map[string]string
	flags  []string // keys without a value
}

// mountKey is the name of a key, which others call otherwise.
func mountKey(key string) string {
	switch key {
	case "source":
		return "src"
	case "destination", "target":
		return "dst"
	case "readonly":
		return "ro"
	case "try":
		return "optional"
	case "bind-propagation":
		return "propagation"
	}
	return strings.TrimPrefix(key, "tmpfs-")
}

func (mountForm) parse(s string) ([]sprog.Mount, error) {
	words, err := readMount(s)
	if err != nil {
		return nil, err
	}
	m, err := words.mount()
	if err == nil {
		err = words.left(s)
	}
	return one(m, err)
}

func readMount(s string) (mountWords, error) {
	w := mountWords{kind: "bind", values: map[string]string{}}
	for field := range strings.SplitSeq(s, ",") {
		key, value, has := strings.Cut(field, "=")
		key = mountKey(key)
		switch _, twice := w.values[key]; {
		case field == "":
		case key == "type":
			w.kind = value
		case twice:
			return w, fmt.Errorf("%s is given twice in %q", key, s)
		case has:
			w.values[key] = value
		default:
			w.flags = append(w.flags, key)
		}
	}
	return w, nil
}

// take returns the value of a key, and that it is understood.
func (w *mountWords) take(key string) string {
	value := w.values[key]
	delete(w.values, key)
	return value
}

// has reports whether a key is given without a value, or as true.
func (w *mountWords) has(key string) bool {
	i := slices.Index(w.flags, key)
	if i >= 0 {
		w.flags = slices.Delete(w.flags, i, i+1)
		return true
	}
	value, given := w.values[key]
	on := given && (value == "true" || value == "1" || value == "yes")
	if on || given && (value == "false" || value == "0" || value == "no") {
		delete(w.values, key)
	}
	return on
}

// left is an error about what nobody has asked for.
func (w *mountWords) left(s string) error {
	for _, key := range w.flags {
		return fmt.Errorf("%s is no option of a mount of type %s, in %q", key, w.kind, s)
	}
	for key := range w.values {
		return fmt.Errorf("%s= is no option of a mount of type %s, in %q", key, w.kind, s)
	}
	return nil
}

// mount is what the words stand for.
func (w *mountWords) mount() (m sprog.Mount, err error) {
	if dst := w.take("dst"); dst != "" {
		m.Target, err = absolute(dst)
	} else if w.kind != "bind" {
		err = errors.New("dst= is missing")
	}
	if err != nil {
		return m, err
	}
	w.setFlags(&m)
	switch w.kind {
	case "bind":
		return m, w.setBind(&m)
	case "tmpfs":
		m.Tmpfs, err = parseTmpfs(w.take("size"), w.take("mode"), w.take("inodes"), w.take("huge"), nil)
		return m, err
	case "overlay":
		return m, w.setOverlay(&m)
	case "proc":
		return m, w.setProc(&m)
	case "dev":
		m.Dev = &sprog.Dev{NoPTS: w.has("nopts")}
		if nodes := w.take("nodes"); nodes != "" {
			m.Dev.Nodes = strings.Split(nodes, ":")
		}
		return m, nil
	}
	return m, w.setSimple(&m)
}

// setSimple is for what has few options.
func (w *mountWords) setSimple(m *sprog.Mount) (err error) {
	kernel := map[string]sprog.KernelFS{"sysfs": sprog.KernelSysfs, "mqueue": sprog.KernelMqueue, "cgroup2": sprog.KernelCgroup2, "devpts": sprog.KernelDevpts}
	switch w.kind {
	case "data":
		m.Data = []byte(w.take("text"))
		m.Mode, err = parseMode(w.take("mode"), new(uint32(0o444)))
	case "dir":
		m.Dir = true
		m.Mode, err = parseMode(w.take("mode"), nil)
	case "symlink":
		m.Symlink = w.take("text")
	case "mask":
		m.Mask = true
	case "flags":
	default:
		if m.Kernel = kernel[w.kind]; m.Kernel == 0 {
			err = fmt.Errorf("%q is no type: bind, tmpfs, proc, dev, overlay, sysfs, mqueue, cgroup2, devpts, data, dir, symlink, mask or flags", w.kind)
		}
	}
	return err
}

// setFlags takes what all mounts can have.
func (w *mountWords) setFlags(m *sprog.Mount) {
	for _, f := range []struct {
		set, clear string
		flag       sprog.MountFlags
	}{
		{"ro", "rw", sprog.MountReadOnly}, {"nosuid", "suid", sprog.MountNoSUID}, {"nodev", "devices", sprog.MountNoDev},
		{"noexec", "exec", sprog.MountNoExec}, {"nosymfollow", "symfollow", sprog.MountNoSymlinks}, {"noatime", "atime", sprog.MountNoAtime},
	} {
		if w.has(f.set) {
			m.Flags |= f.flag
		}
		if w.has(f.clear) {
			m.Clear |= f.flag
		}
	}
	m.Optional, m.Create, m.Shallow = w.has("optional"), w.has("create"), w.has("shallow")
	for _, p := range []struct {
		name string
		is   sprog.Propagation
	}{{"private", sprog.PropagationPrivate}, {"slave", sprog.PropagationSlave}, {"shared", sprog.PropagationShared}, {"unbindable", sprog.PropagationUnbindable}} {
		if name := strings.TrimPrefix(w.values["propagation"], "r"); name == p.name {
			w.take("propagation")
			m.Propagation = p.is
		}
	}
}

func (w *mountWords) setBind(m *sprog.Mount) (err error) {
	source, optional := strings.CutSuffix(w.take("src"), "?")
	m.Optional = m.Optional || optional
	if m.Bind, err = absolute(source); source == "" {
		err = errors.New("src= is missing")
	}
	if ids := w.take("idmap"); ids != "" && err == nil {
		m.IDMap, err = parseMountIDs(ids)
	}
	return err
}

// parseMountIDs reads ranges as X-mount.idmap of mount(8) has them: whose they are, the first id on the disk,
// the first that is seen, and how many.
func parseMountIDs(s string) (*sprog.MountIDMap, error) {
	m := new(sprog.MountIDMap)
	for _, word := range strings.Fields(s) {
		kind, numbers, _ := strings.Cut(word, ":")
		var n [3]int
		parts := strings.Split(numbers, ":")
		valid := len(parts) == len(n) && slices.Contains([]string{"u", "g", "b"}, kind)
		for i := 0; valid && i < len(n); i++ {
			id, err := strconv.ParseUint(parts[i], 10, 32)
			n[i], valid = int(id), err == nil
		}
		if !valid {
			return nil, fmt.Errorf("%q is not u:DISK:SEEN:SIZE, nor with g or b in place of u", word)
		}
		ids := sprog.IDRange{Disk: n[0], Seen: n[1], Size: n[2]}
		if kind != "g" {
			m.UIDs = append(m.UIDs, ids)
		}
		if kind != "u" {
			m.GIDs = append(m.GIDs, ids)
		}
	}
	return m, nil
}

// setOverlay has layers with colons between, the topmost first.
func (w *mountWords) setOverlay(m *sprog.Mount) (err error) {
	m.Overlay = &sprog.Overlay{}
	for dir := range strings.SplitSeq(w.take("lower"), ":") {
		if dir, err = absolute(dir); err != nil {
			return err
		}
		m.Overlay.Lower = append(m.Overlay.Lower, dir)
	}
	for key, to := range map[string]*string{"upper": &m.Overlay.Upper, "work": &m.Overlay.Work} {
		if dir := w.take(key); dir != "" {
			if *to, err = absolute(dir); err != nil {
				return err
			}
		}
	}
	m.Overlay.Private = m.Overlay.Upper == "" && m.Flags&sprog.MountReadOnly == 0
	return nil
}

func (w *mountWords) setProc(m *sprog.Mount) error {
	m.Proc = &sprog.Proc{Writable: w.has("writable"), PIDsOnly: w.take("subset") == "pid"}
	hide, fallback := w.take("hidepid"), w.take("fallback")
	switch hide {
	case "", "0":
	case "1":
		m.Proc.Hide = sprog.ProcHideContents
	case "2":
		m.Proc.Hide = sprog.ProcHideProcesses
	case "4", "ptraceable":
		m.Proc.Hide = sprog.ProcHidePtraceable
	default:
		return fmt.Errorf("hidepid=%s is not 0, 1, 2 or 4", hide)
	}
	switch fallback {
	case "", "refuse":
	case "caller":
		m.Proc.Fallback = sprog.ProcOfCaller
	case "empty":
		m.Proc.Fallback = sprog.ProcEmpty
	default:
		return fmt.Errorf("fallback=%s is not refuse, caller or empty", fallback)
	}
	return nil
}

// tmpfsAt is a tmpfs with options such as size=1M,mode=1777.
func tmpfsAt(at, options string, mode *uint32) (sprog.Mount, error) {
	w, err := readMount(options)
	if err != nil {
		return sprog.Mount{}, err
	}
	w.kind = "tmpfs"
	m := sprog.Mount{Target: at}
	w.setFlags(&m)
	if m.Tmpfs, err = parseTmpfs(w.take("size"), w.take("mode"), w.take("inodes"), w.take("huge"), mode); err != nil {
		return m, err
	}
	return m, w.left(options)
}

func parseTmpfs(size, mode, inodes, huge string, otherwise *uint32) (t *sprog.Tmpfs, err error) {
	t = &sprog.Tmpfs{Huge: huge}
	if t.Mode, err = parseMode(mode, otherwise); err != nil {
		return nil, err
	}
	for _, n := range []struct {
		text string
		to   *int64
	}{{size, &t.Size}, {inodes, &t.Inodes}} {
		if n.text == "" {
			continue
		}
		size, err := parseLimit(n.text)
		if err != nil || size > 1<<60 {
			return nil, fmt.Errorf("%q is not a number such as 64M", n.text)
		}
		*n.to = int64(size)
	}
	return t, nil
}

func parseMode(s string, otherwise *uint32) (*uint32, error) {
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o7777 {
		return nil, fmt.Errorf("mode=%s is not an octal mode", s)
	}
	return new(uint32(n)), nil
}
