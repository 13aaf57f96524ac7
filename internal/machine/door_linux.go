//go:build amd64 || arm64

package machine

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Door is a page of memory that is not there yet: whoever reads it sleeps in the
// kernel until the door is opened, without having made a system call
// (userfaultfd(2)). It is for a child that may make none and must not spin.
type Door struct {
	fd   int
	page []byte
}

// Operations of userfaultfd; the kernel's linux/userfaultfd.h.
const (
	uffdUserModeOnly = 1 // all that an ordinary user may have; Linux 5.11
	uffdAPI          = 0xaa
	uffdioAPI        = 0xc018aa3f
	uffdioRegister   = 0xc020aa00
	uffdioCopy       = 0xc028aa03
	uffdMissing      = 1
)

// NewDoor returns a door that is closed.
func NewDoor() (*Door, error) {
	fd, _, errno := syscall.Syscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|uffdUserModeOnly, 0, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("userfaultfd", errno)
	}
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		unix.Close(int(fd))
		return nil, os.NewSyscallError("mmap", err)
	}
	d := &Door{fd: int(fd), page: page}
	if errno := d.register(); errno != 0 {
		d.Close()
		return nil, os.NewSyscallError("userfaultfd", errno)
	}
	return d, nil
}

func (d *Door) register() syscall.Errno {
	api := [3]uint64{uffdAPI}
	if errno := d.ioctl(uffdioAPI, unsafe.Pointer(&api)); errno != 0 {
		return errno
	}
	register := [4]uint64{d.Address(), uint64(len(d.page)), uffdMissing}
	return d.ioctl(uffdioRegister, unsafe.Pointer(&register))
}

// Address is where to read. The word there is 1 once the door is open. It is 0
// where the door has been closed with this process's end.
func (d *Door) Address() uint64 { return addressOf(&d.page[0]) }

// Open lets on whoever waits.
func (d *Door) Open() error {
	content := make([]byte, len(d.page))
	content[0] = 1
	page := [5]uint64{d.Address(), addressOf(&content[0]), uint64(len(content))}
	return os.NewSyscallError("userfaultfd", errorOf(d.ioctl(uffdioCopy, unsafe.Pointer(&page))))
}

// Close gives the door's memory back. Nobody may wait any more.
func (d *Door) Close() {
	unix.Munmap(d.page)
	unix.Close(d.fd)
}

func (d *Door) ioctl(op uintptr, arg unsafe.Pointer) syscall.Errno {
	_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(d.fd), op, uintptr(arg))
	return errno
}

func errorOf(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
