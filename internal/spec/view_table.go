package spec

import (
	"strings"
)

// A ViewRow says what the program sees at one place, as people think of it.
type ViewRow struct{ Target, What, From, Flags string }

// ViewTable is the view, the root first.
func (r *Start) ViewTable() (rows []ViewRow) {
	if r.Attr == nil || !r.HasView() {
		return nil
	}
	root, _, first := r.ViewRoot()
	if root == nil {
		row := ViewRow{Target: "/", What: "host", From: "/"}
		if r.Attr.Root != nil {
			row.Flags = strings.Join(flagWords(r.Attr.Root.Flags), ", ")
		}
		rows = append(rows, row)
	} else {
		rows = append(rows, root.row())
	}
	for i := range r.Attr.Mounts[first:] {
		rows = append(rows, r.Attr.Mounts[first+i].row())
	}
	return rows
}

func (m *Mount) row() ViewRow {
	row := ViewRow{Target: m.At()}
	row.What, row.From = m.what()
	words := flagWords(m.Flags)
	for _, w := range flagWords(m.Clear) {
		words = append(words, "not "+w)
	}
	for _, option := range [...]struct {
		word string
		is   bool
	}{{"optional", m.Optional}, {"created", m.Create}, {"not below", m.Shallow}, {"ids mapped", m.IDMap != nil}} {
		if option.is {
			words = append(words, option.word)
		}
	}
	row.Flags = strings.Join(words, ", ")
	return row
}

// what is the kind of a mount, and what it is made of.
func (m *Mount) what() (what, from string) {
	switch m.Source() {
	case "Bind":
		return "bind", m.Bind
	case "File":
		return "bind", "the open file " + m.File.Name()
	case "Tmpfs":
		if m.Tmpfs.Size > 0 {
			return "tmpfs", "at most " + Itoa(int(m.Tmpfs.Size)) + " bytes"
		}
		return "tmpfs", "empty"
	case "Proc":
		return "proc", [...]string{ProcRefuse: "", ProcOfCaller: "or the caller's", ProcEmpty: "or nothing"}[m.Proc.Fallback]
	case "Dev":
		return "dev", strings.Join(m.Dev.Nodes, " ")
	case "Kernel":
		return [...]string{KernelSysfs: "sysfs", KernelMqueue: "mqueue", KernelCgroup2: "cgroup2", KernelDevpts: "devpts"}[m.Kernel], ""
	case "Overlay":
		return "overlay", m.Overlay.layers()
	case "Data":
		return "data", Itoa(len(m.Data)) + " bytes"
	case "Dir":
		return "directory", ""
	case "Symlink":
		return "link", "to " + m.Symlink
	case "Mask":
		return "masked", ""
	}
	return "what is there", ""
}

// layers are the directories of an overlay, and where changes go.
func (o *Overlay) layers() string {
	text := strings.Join(o.Lower, " on ")
	switch {
	case o.Private:
		return text + ", changes vanish"
	case o.Upper != "":
		return text + ", changes go to " + o.Upper
	}
	return text
}

// flagWords are flags in words.
func flagWords(f MountFlags) (list []string) {
	for _, one := range [...]struct {
		flag MountFlags
		word string
	}{
		{MountReadOnly, "read-only"}, {MountNoSUID, "nosuid"}, {MountNoDev, "nodev"}, {MountNoExec, "noexec"},
		{MountNoSymlinks, "nosymfollow"}, {MountNoAtime, "noatime"},
	} {
		if f&one.flag != 0 {
			list = append(list, one.word)
		}
	}
	return list
}
