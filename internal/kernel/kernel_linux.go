//go:build amd64 || arm64

// Package kernel is what the running kernel says: its settings, its release,
// this process's rights, and what it turned out to lack.
package kernel

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Read reads a file of the kernel's.
func Read(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	n, err := unix.Read(fd, buf)
	return string(buf[:max(n, 0)]), err
}

// Exists reports whether there is a file at a path.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Sysctl is the value of a setting, or "". Tests put others.
var Sysctl = func(name string) string {
	value, _ := Read("/proc/sys/" + name)
	return strings.TrimSpace(value)
}

// SysctlOfSelf is the text of a file in /proc/self, or "".
func SysctlOfSelf(name string) string {
	value, _ := Read("/proc/self/" + name)
	return strings.TrimSpace(value)
}

// Filtered reports whether there is a seccomp filter, also without /proc.
func Filtered() bool {
	text, err := Read("/proc/self/status")
	if err != nil {
		mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
		return err != nil || mode == 2
	}
	return strings.Contains(text, "\nSeccomp:\t2")
}

// StatusLine is the value of a line of /proc/PID/status.
func StatusLine(text, name string) string {
	_, after, _ := strings.Cut(text, "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return line
}

// Release is the kernel's release, by its name and its first two numbers.
// Known is false where it has none that begins with numbers.
func Release() (name string, major, minor int, known bool) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "", 0, 0, false
	}
	name = unix.ByteSliceToString(u.Release[:])
	n, _ := fmt.Sscanf(name, "%d.%d", &major, &minor)
	return name, major, minor, n == 2
}

// OlderThan reports whether the kernel is older than a release, as far as it
// can be known. It is for what cannot be tried.
func OlderThan(major, minor int) bool {
	_, a, b, known := Release()
	return known && (a < major || a == major && b < minor)
}

// Emulator names what stands in for the kernel, or between it and this process, or is "". gVisor calls itself
// Linux, of a date that no Linux has; proot traces.
func Emulator() string {
	var u unix.Utsname
	if unix.Uname(&u) == nil && unix.ByteSliceToString(u.Version[:]) == "#1 SMP Sun Jan 10 15:06:54 PST 2016" {
		return "gVisor"
	}
	status, _ := Read("/proc/self/status")
	if tracer := strings.TrimSpace(StatusLine(status, "TracerPid")); tracer != "" && tracer != "0" {
		if name, _ := Read("/proc/" + tracer + "/comm"); strings.HasPrefix(name, "proot") {
			return "proot"
		}
	}
	return ""
}

// A Setting is one of the machine's, made at boot as a rule. So it is asked for once.
type Setting struct {
	once sync.Once
	on   bool
}

// Ask is the setting, by what look sees the first time.
func (s *Setting) Ask(look func() bool) bool {
	s.once.Do(func() { s.on = look() })
	return s.on
}
