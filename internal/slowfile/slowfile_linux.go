// Package slowfile serves a file system with one program in it that takes a
// while to open, as one on a network may. Tests and benchmarks start it.
//
// It speaks to /dev/fuse directly: fuse(4), include/uapi/linux/fuse.h. Its
// server must be a process of its own: one that is held up by the slow program
// could not end its own wait.
package slowfile

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	fuseLookup      = 1
	fuseForget      = 2
	fuseGetattr     = 3
	fuseOpen        = 14
	fuseRead        = 15
	fuseRelease     = 18
	fuseInit        = 26
	fuseInterrupt   = 36
	fuseBatchForget = 42

	fuseRoot, fuseProgram = 1, 2 // inodes
)

// Serve mounts the file system, with a copy of the program at path, over the
// directory that path is in. It calls ready once that is done, and returns when
// done is closed. The mount should be in a mount namespace of the process's
// own, with which it goes away; others reach it through /proc/PID/root.
func Serve(path string, delay time.Duration, ready func(), done <-chan struct{}) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/fuse: %w", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=%o,user_id=0,group_id=0", fd, syscall.S_IFDIR)
	if err := syscall.Mount("slow", filepath.Dir(path), "fuse", syscall.MS_RDONLY, options); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	s := &fuseServer{fd: fd, name: filepath.Base(path), content: content, delay: delay}
	failed := make(chan error, 1)
	go func() { failed <- s.serve() }()
	ready()
	select {
	case err := <-failed:
		return err
	case <-done:
		return nil
	}
}

type fuseServer struct {
	fd      int
	name    string
	content []byte
	delay   time.Duration
	deaf    bool
}

// Names that are not there. Whoever looks for Mute gets no answer. Whoever looks for Deaf
// does, and after that the server answers nothing any more.
const (
	Mute = "mute"
	Deaf = "deaf"
)

func (s *fuseServer) serve() error {
	buf := make([]byte, 1<<20)
	for {
		n, err := syscall.Read(s.fd, buf)
		switch err {
		case nil:
		case syscall.EINTR, syscall.EAGAIN, syscall.ENOENT: // ENOENT: the request was withdrawn
			continue
		default:
			return err
		}
		if n < 40 {
			return fmt.Errorf("a request of %d bytes", n)
		}
		s.request(buf[:n])
	}
}

// request answers one request: a header of 40 bytes and its arguments.
func (s *fuseServer) request(req []byte) {
	n := binary.NativeEndian
	opcode, unique, node := n.Uint32(req[4:]), n.Uint64(req[8:]), n.Uint64(req[16:])
	args := req[40:]
	if s.deaf || opcode == fuseLookup && string(args) == Mute+"\x00" {
		return
	}
	switch opcode {
	case fuseForget, fuseBatchForget, fuseInterrupt: // want no answer
	case fuseInit:
		s.reply(unique, 0, s.init())
	case fuseLookup:
		if node != fuseRoot || string(args) != s.name+"\x00" {
			s.deaf = string(args) == Deaf+"\x00"
			s.reply(unique, syscall.ENOENT, nil)
			return
		}
		// Node and generation, and four words of validity: 0, ask again.
		entry := n.AppendUint64(nil, fuseProgram)
		s.reply(unique, 0, append(append(entry, make([]byte, 32)...), s.attr(fuseProgram)...))
	case fuseGetattr:
		s.reply(unique, 0, append(make([]byte, 16), s.attr(node)...))
	case fuseOpen:
		time.AfterFunc(s.delay, func() { s.reply(unique, 0, make([]byte, 16)) })
	case fuseRead:
		from := min(n.Uint64(args[8:]), uint64(len(s.content)))
		to := min(from+uint64(n.Uint32(args[16:])), uint64(len(s.content)))
		s.reply(unique, 0, s.content[from:to])
	case fuseRelease:
		s.reply(unique, 0, nil)
	default:
		s.reply(unique, syscall.ENOSYS, nil)
	}
}

// init is struct fuse_init_out for protocol 7.31.
func (s *fuseServer) init() []byte {
	out := make([]byte, 64)
	binary.NativeEndian.PutUint32(out[0:], 7)
	binary.NativeEndian.PutUint32(out[4:], 31)
	binary.NativeEndian.PutUint32(out[20:], 4096) // max_write, at least a page
	return out
}

// attr is struct fuse_attr.
func (s *fuseServer) attr(node uint64) []byte {
	size, mode := 0, uint32(syscall.S_IFDIR|0o755)
	if node == fuseProgram {
		size, mode = len(s.content), syscall.S_IFREG|0o755
	}
	out := make([]byte, 88)
	binary.NativeEndian.PutUint64(out[0:], node)
	binary.NativeEndian.PutUint64(out[8:], uint64(size))
	binary.NativeEndian.PutUint64(out[16:], 1) // blocks
	binary.NativeEndian.PutUint32(out[60:], mode)
	binary.NativeEndian.PutUint32(out[64:], 1) // links
	return out
}

// reply writes one answer, which a header of 16 bytes goes before. A failure
// means that nobody waits for it any more.
func (s *fuseServer) reply(unique uint64, errno syscall.Errno, body []byte) {
	out := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
	out = binary.NativeEndian.AppendUint32(out, uint32(-int32(errno)))
	out = binary.NativeEndian.AppendUint64(out, unique)
	syscall.Write(s.fd, append(out, body...))
}
