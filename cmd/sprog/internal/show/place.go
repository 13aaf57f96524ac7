//go:build linux

package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/mountinfo"
)

// kinds are the kinds of namespaces, by the names of --unshare and of /proc/PID/ns.
var kinds = [][2]string{
	{"user", "user"}, {"mount", "mnt"}, {"pid", "pid"}, {"net", "net"}, {"ipc", "ipc"}, {"uts", "uts"}, {"cgroup", "cgroup"}, {"time", "time"},
}

func (s *source) namespaces() {
	for i, kind := range kinds {
		n := Namespace{Kind: kind[0]}
		key := "namespaces." + kind[0]
		if link := s.link(key, "ns/"+kind[1]); link != nil {
			_, after, _ := strings.Cut(*link, "[")
			if id, err := strconv.ParseUint(strings.TrimSuffix(after, "]"), 10, 64); err == nil {
				n.ID = &id
			}
		}
		switch {
		case n.ID == nil:
		case s.call == nil:
			n.Same = new(true)
		case s.call.Namespaces[i].ID != nil:
			n.Same = new(*n.ID == *s.call.Namespaces[i].ID)
		}
		s.p.Namespaces = append(s.p.Namespaces, n)
	}
	s.p.UIDMap, s.p.GIDMap = s.idMap("uid_map"), s.idMap("gid_map")
	if text, ok := s.file("setgroups", "setgroups"); ok {
		s.p.Setgroups = &text
	}
}

// differs reports whether the process is known to be in another namespace of a kind.
func (p *Process) differs(kind string) bool {
	for _, n := range p.Namespaces {
		if n.Kind == kind {
			return n.Same != nil && !*n.Same
		}
	}
	return false
}

func (s *source) idMap(name string) []IDMap {
	text, ok := s.file(name, name)
	if !ok {
		return nil
	}
	lines := []IDMap{}
	for line := range strings.Lines(text) {
		var m IDMap
		if n, _ := fmt.Sscan(line, &m.Inside, &m.Outside, &m.Count); n == 3 {
			lines = append(lines, m)
		}
	}
	return lines
}

// cgroups are those that the process is in, and where they are mounted here.
func (s *source) cgroups() {
	text, ok := s.file("cgroups", "cgroup")
	if !ok {
		return
	}
	here, _ := s.own("mountinfo")
	s.p.Cgroups = []Cgroup{}
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		g := Cgroup{Controllers: fields[1], Path: fields[2]}
		for m := range mountinfo.Mounts(here) {
			if dir, ok := g.under(m); ok {
				g.Directory = &dir
				break
			}
		}
		s.p.Cgroups = append(s.p.Cgroups, g)
	}
}

// under is the directory of a cgroup below a mount, if that is of its hierarchy and has it.
func (g *Cgroup) under(m mountinfo.Mount) (dir string, ok bool) {
	name, named := strings.CutPrefix(g.Controllers, "name=")
	switch {
	case g.Controllers == "":
		ok = m.Type == "cgroup2"
	case named:
		ok = m.Type == "cgroup" && slices.Contains(m.Options, "name="+name)
	default:
		first, _, _ := strings.Cut(g.Controllers, ",")
		ok = m.Type == "cgroup" && slices.Contains(m.Options, first)
	}
	below, in := strings.CutPrefix(g.Path, strings.TrimSuffix(m.Root, "/"))
	if !ok || !in || below != "" && below[0] != '/' || strings.HasPrefix(g.Path, "/..") {
		return "", false
	}
	return strings.TrimSuffix(m.Point+below, "/"), true
}

// own reads a file of the calling process.
func (s *source) own(name string) (string, error) {
	if s.call == nil {
		return s.read(name)
	}
	self := source{dir: unix.AT_FDCWD}
	return self.read("/proc/self/" + name)
}

// view is what the process sees of the file system.
func (s *source) view() {
	v := &s.p.View
	v.Root, v.Dir = s.link("view.root", "root"), s.link("view.dir", "cwd")
	if s.has("view.umask", "Umask") { // not of one that has ended
		v.Umask = new(s.field("Umask"))
	}
	v.dirSame = v.Dir != nil && s.leadsHere(*v.Dir)
	text, ok := s.file("view.mounts", "mountinfo")
	if !ok {
		return
	}
	for m := range mountinfo.Mounts(text) {
		v.mounts = append(v.mounts, Mount{Point: m.Point, Type: m.Type, Root: m.Root, Flags: strings.Join(m.Flags, ",")})
	}
	v.More, v.Less = []Mount{}, []Mount{}
	if s.call != nil && s.call.View.mounts != nil {
		v.More, v.Less = without(v.mounts, s.call.View.mounts), without(s.call.View.mounts, v.mounts)
	}
}

// leadsHere reports whether a path of the process's leads the caller to the same directory.
func (s *source) leadsHere(path string) bool {
	var there, here unix.Stat_t
	return unix.Fstatat(s.dir, "cwd", &there, 0) == nil && unix.Stat(path, &here) == nil && there.Dev == here.Dev && there.Ino == here.Ino
}

// without are the mounts of one list that the other lacks.
func without(list, other []Mount) []Mount {
	left := map[Mount]int{}
	for _, m := range other {
		left[m]++
	}
	more := []Mount{}
	for _, m := range list {
		if left[m]--; left[m] < 0 {
			more = append(more, m)
		}
	}
	return more
}

// session is taken from /proc/PID/stat, behind the name, which may have any characters.
func (s *source) session() {
	text, ok := s.file("session", "stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if !ok || len(fields) < 6 {
		return
	}
	var n [4]int
	for i, field := range fields[2:6] { // pgrp, session, tty_nr, tpgid
		n[i], _ = strconv.Atoi(field)
	}
	s.p.Session = Session{Group: n[0], Session: n[1], Terminal: new(terminal(uint64(uint32(n[2])))), Foreground: n[3]}
}

// terminal is the usual name of a terminal by its device number (proc_pid_stat(5)).
func terminal(device uint64) string {
	major, minor := device>>8&0xfff, device&0xff|device>>12&0xfff00
	switch {
	case device == 0:
		return ""
	case major >= 136 && major <= 143:
		return "/dev/pts/" + strconv.FormatUint((major-136)<<20+minor, 10)
	case major == 4 && minor < 64:
		return "/dev/tty" + strconv.FormatUint(minor, 10)
	case major == 4:
		return "/dev/ttyS" + strconv.FormatUint(minor-64, 10)
	}
	return "device " + strconv.FormatUint(major, 10) + ":" + strconv.FormatUint(minor, 10)
}
