//go:build amd64 || arm64

package machine

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// An imageFile is a file that is filled once and then executed.
type imageFile struct {
	fd     int
	writer int // what it is filled through: fd, or the only descriptor of a nameless file that can write
}

var noImage = imageFile{-1, -1}

func newImage() (f imageFile, err error) {
	f.fd, err = memfd("sprog", unix.MFD_EXEC)
	f.writer = f.fd
	if !lacksMemfd(err) {
		return f, os.NewSyscallError("memfd_create", err)
	}
	if f.writer = nameless(true); f.writer < 0 {
		return noImage, os.NewSyscallError("memfd_create", err)
	}
	// A file that is open for writing is not executed (ETXTBSY).
	f.fd, err = unix.Open("/proc/self/fd/"+strconv.Itoa(f.writer), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(f.writer)
		return noImage, &os.PathError{Op: "open", Path: "/proc/self/fd", Err: err}
	}
	return f, nil
}

// newState makes the file that a second stage keeps its state in. Nobody opens
// that once more by its name in /proc, unless he is root: its mode gives no rights.
func newState() (int, error) {
	fd, err := memfd("sprog-state", unix.MFD_NOEXEC_SEAL)
	if lacksMemfd(err) {
		if other := nameless(false); other >= 0 {
			fd, err = other, nil
		}
	}
	if err == nil {
		unix.Fchmod(fd, 0)
	}
	return fd, os.NewSyscallError("memfd_create", err)
}

// memfd creates a file that says whether it is to be executed. Kernels before 6.3 know
// no such flag and make every memfd executable.
func memfd(name string, exec int) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|exec)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, err
}

// lacksMemfd reports whether there is no memfd_create: before Linux 3.17, or
// by a filter, whose answer EPERM can be as well. EACCES is that of vm.memfd_noexec.
func lacksMemfd(err error) bool { return err == unix.ENOSYS || err == unix.EPERM }

// nameless makes a file that has no name and gets none (O_EXCL): what stands in
// for a memfd. Its seals are that no descriptor is left that can write, and
// that others would have to trace this process to get one. It returns -1 if
// there is no directory for it.
func nameless(executable bool) int {
	for _, dir := range []string{"/dev/shm", os.TempDir(), "/var/tmp"} {
		fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_EXCL|unix.O_RDWR|unix.O_CLOEXEC, 0o700)
		if err != nil {
			continue
		}
		var fs unix.Statfs_t
		if !executable || unix.Fstatfs(fd, &fs) == nil && fs.Flags&unix.ST_NOEXEC == 0 {
			return fd
		}
		unix.Close(fd)
	}
	return -1
}

// seal writes the image, and makes sure that nobody writes to it again.
func (f *imageFile) seal(image []byte) error {
	for len(image) > 0 {
		n, err := unix.Write(f.writer, image)
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		image = image[n:]
	}
	if f.writer != f.fd {
		f.closeWriter()
		return nil
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err := unix.FcntlInt(uintptr(f.fd), unix.F_ADD_SEALS, seals)
	return os.NewSyscallError("fcntl", err)
}

func (f *imageFile) closeWriter() {
	if f.writer >= 0 && f.writer != f.fd {
		unix.Close(f.writer)
	}
	f.writer = -1
}

func (f *imageFile) close() {
	f.closeWriter()
	if f.fd >= 0 {
		unix.Close(f.fd)
	}
	*f = noImage
}
