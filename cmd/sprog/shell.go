//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// shell executes a file that the kernel has no format for, as execvp(3) has it:
// a script without a first line that names its interpreter.
const shell = "/bin/sh"

// withShell is the command line that executes a program.
func (p place) withShell(path string, args []string) (string, []string) {
	if !p.isBareScript(path) || !p.exists(shell) {
		return path, args
	}
	return shell, append([]string{shell, path}, args[1:]...)
}

// isBareScript reports whether the shell executes a file: one that is executable, text, and in no
// format that the kernel knows. execve would tell, but only once there is no way back.
func (p place) isBareScript(file string) bool {
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.dir, file)
	}
	mode, err := p.mode(file)
	if err != nil || mode&unix.S_IFMT != unix.S_IFREG || mode&0o111 == 0 {
		return false
	}
	head, err := p.head(file, 256) // BINPRM_BUF_SIZE: what the kernel looks at
	return err == nil && isShellText(head) && !hasHandler(file)
}

// head is the beginning of a file.
func (p place) head(file string, size int) ([]byte, error) {
	p, file = p.outside(file)
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	if p.root != "" {
		_, head, err := p.look(file, flags, size)
		return head, err
	}
	fd, err := openFile(file, flags, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	head := make([]byte, size)
	n, err := unix.Pread(fd, head, 0)
	return head[:max(n, 0)], err
}

// isShellText goes by the beginning of a file.
func isShellText(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if interpreter, ok := bytes.CutPrefix(line, []byte("#!")); ok {
		return len(bytes.Trim(interpreter, " \t")) == 0 // which names none
	}
	return !bytes.HasPrefix(line, []byte("\x7fELF")) && !bytes.Contains(line, []byte{0})
}

// hasHandler reports whether files with the name's ending are executed in a way of
// their own (binfmt_misc). Those that go by what is in a file go by what is no text.
func hasHandler(file string) bool {
	const dir = "/proc/sys/fs/binfmt_misc/"
	ending := strings.TrimPrefix(filepath.Ext(file), ".")
	handlers, _ := filepath.Glob(dir + "*")
	return ending != "" && slices.ContainsFunc(handlers, func(handler string) bool {
		text, _ := os.ReadFile(handler)
		return strings.HasPrefix(string(text), "enabled\n") && strings.Contains(string(text), "\nextension ."+ending+"\n")
	})
}
