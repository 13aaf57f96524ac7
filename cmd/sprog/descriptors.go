//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/sprog-dev/sprog"
)

// A descriptors value is the program's table of descriptors while the flags are
// translated.
type descriptors struct {
	cmd   *sprog.Cmd
	open  opener
	flags map[int]string // what gives the program a descriptor
}

// setFiles gives the program its descriptors: sprog's standard ones and what
// the flags say.
func (f *startFlags) setFiles(cmd *sprog.Cmd, open opener) error {
	d := descriptors{cmd: cmd, open: open, flags: map[int]string{}}
	for _, part := range []func(*startFlags) error{d.redirect, d.pass, d.fill, d.leave, d.refer, d.inherit} {
		if err := part(f); err != nil {
			return err
		}
	}
	return nil
}

// claim notes that a flag gives the program a descriptor.
func (d *descriptors) claim(fd int, flag string) error {
	if by, taken := d.flags[fd]; taken {
		if by == flag {
			return fmt.Errorf("%s gives the program descriptor %d twice", flag, fd)
		}
		return fmt.Errorf("%s and %s both give the program descriptor %d", by, flag, fd)
	}
	d.flags[fd] = flag
	return nil
}

// add gives the program a descriptor.
func (d *descriptors) add(flag string, file sprog.File) error {
	d.cmd.Attr.Files = append(d.cmd.Attr.Files, file)
	return d.claim(file.FD, flag)
}

// redirect opens the standard streams that sprog opens itself, where it is and
// as who it is.
func (d *descriptors) redirect(f *startFlags) error {
	for _, r := range f.redirections() {
		if r.path == "" {
			continue
		}
		file, err := r.open(d.open)
		if err == nil {
			err = d.claim(r.fd, r.flag)
		}
		if err != nil {
			return err
		}
		d.setStream(r.fd, file)
	}
	return nil
}

// pass passes descriptors of the caller's on.
func (d *descriptors) pass(f *startFlags) error {
	for _, pair := range f.FD {
		file, err := callersFile("--fd", pair.from)
		if err == nil {
			err = d.add("--fd", sprog.File{FD: pair.to, File: file})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill makes the files that the program opens, or that exist for it only.
func (d *descriptors) fill(f *startFlags) error {
	for _, o := range f.Open {
		if err := d.add("--open", sprog.File{FD: o.fd, Path: o.path, Flags: o.flags, Mode: 0o666}); err != nil {
			return err
		}
	}
	for _, data := range f.Data {
		if err := d.add("--data", sprog.File{FD: data.fd, Data: []byte(data.text)}); err != nil {
			return err
		}
	}
	for _, data := range f.DataFile {
		content, err := d.read(data.text)
		if err == nil {
			err = d.add("--data-file", sprog.File{FD: data.fd, Data: content})
		}
		if err != nil {
			return err
		}
	}
	if f.StdinText != nil {
		return d.add("--stdin-text", sprog.File{FD: 0, Data: []byte(*f.StdinText + "\n")})
	}
	return nil
}

func (d *descriptors) read(path string) ([]byte, error) {
	file, err := os.Stdin, error(nil)
	if path != dash {
		if file, err = d.open(path, forReading); err != nil {
			return nil, fmt.Errorf("--data-file: %w", err)
		}
		defer file.Close()
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("--data-file: %w", err)
	}
	return content, nil
}

// leave leaves standard streams closed, and gives the program sprog's own where
// nothing else is said.
func (d *descriptors) leave(f *startFlags) error {
	for _, fd := range f.CloseFD {
		if fd > 2 {
			return fmt.Errorf("--close-fd: the program has no descriptor %d unless a flag gives it", fd)
		}
		if err := d.add("--close-fd", sprog.File{FD: fd, Closed: true}); err != nil {
			return err
		}
	}
	if f.ToStdout {
		if err := d.add("--stderr-to-stdout", sprog.File{FD: 2, Dup: new(1)}); err != nil {
			return err
		}
	}
	for fd, own := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if d.flags[fd] == "" {
			d.setStream(fd, own)
		}
	}
	return nil
}

func (d *descriptors) setStream(fd int, file *os.File) {
	switch fd {
	case 0:
		d.cmd.Stdin = file
	case 1:
		d.cmd.Stdout = file
	case 2:
		d.cmd.Stderr = file
	}
}

// refer takes the program, its directory and what it waits for from descriptors.
func (d *descriptors) refer(f *startFlags) (err error) {
	if f.ExecFD != nil {
		if d.cmd.Attr.Program, err = callersFile("--exec-fd", int(*f.ExecFD)); err != nil {
			return err
		}
	}
	if f.DirFD != nil {
		if d.cmd.Attr.DirFile, err = callersFile("--dir-fd", int(*f.DirFD)); err != nil {
			return err
		}
	}
	if f.Hold != nil {
		d.cmd.Attr.WaitFor, err = callersFile("--hold", int(*f.Hold))
	}
	return err
}

// inherit passes on all of the caller's descriptors whose numbers are free.
func (d *descriptors) inherit(f *startFlags) error {
	if !f.InheritFDs {
		return nil
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("--inherit-fds: %w", err)
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd < 3 || d.flags[fd] != "" || !passedOn(fd) {
			continue
		}
		file, err := callersFile("--inherit-fds", fd)
		if err == nil {
			err = d.add("--inherit-fds", sprog.File{FD: fd, File: file})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
