package cgroup

import (
	"path"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Open is a cgroup that exists, by its directory.
func Open(name string) (*Group, error) {
	d, err := openDir(path.Clean(name), unix.CGROUP2_SUPER_MAGIC)
	if err != nil {
		return nil, err
	}
	return &Group{name: path.Base(d.path), at: d}, nil
}

// Of is the cgroup that a process is in.
func Of(pid int) (*Group, error) {
	d, err := openOf(strconv.Itoa(pid))
	if err != nil {
		return nil, err
	}
	return &Group{name: path.Base(d.path), at: d}, nil
}

// Close lets go of the cgroup, which stays.
func (g *Group) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at.file != nil {
		g.forget()
	}
}

// Set writes files of the cgroup, in their order. Controllers that it lacks are enabled above it, as
// for one that is made. What was written before an error stays written: it is an [*Error].
func (g *Group) Set(writes []Write) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return failed("", err)
	}
	have, err := d.words("cgroup.controllers")
	if err != nil {
		return failed("", err)
	}
	if lacking := wordsNotIn((&Spec{Writes: writes}).controllers(), have); len(lacking) > 0 {
		if err := d.fetch(lacking, have); err != nil {
			return failed("", err)
		}
	}
	return g.Write(writes)
}

// Processes lists the processes in the cgroup and below it, as far as they have numbers here.
func (g *Group) Processes() ([]int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return nil, err
	}
	return d.allProcesses()
}

func (d dir) allProcesses() (list []int, err error) {
	words, err := d.processes()
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		if pid, err := strconv.Atoi(word); err == nil && pid != 0 {
			list = append(list, pid)
		}
	}
	names, err := d.subs()
	if err != nil {
		return list, err
	}
	for _, name := range names {
		sub, err := d.sub(name)
		if gone(err) {
			continue
		} else if err != nil {
			return list, err
		}
		below, err := sub.allProcesses()
		sub.close()
		if err != nil && !gone(err) {
			return list, err
		}
		list = slices.Concat(list, below)
	}
	return list, nil
}
