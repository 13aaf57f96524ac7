// Package mountinfo reads the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
package mountinfo

import (
	"iter"
	"strconv"
	"strings"
)

// A Mount is one line.
type Mount struct {
	ID      string
	Root    string   // what of the file system is mounted
	Point   string   // where, seen from the root of the process
	Type    string   // of the file system
	Flags   []string // of the mount
	Options []string // of the file system, not of the mount
}

// Mounts are the mounts in a text, without lines of another form.
func Mounts(text string) iter.Seq[Mount] {
	return func(yield func(Mount) bool) {
		for line := range strings.Lines(text) {
			if m, ok := parse(line); ok && !yield(m) {
				return
			}
		}
	}
}

// parse reads one line. The fields before the dash may be more in the future.
func parse(line string) (m Mount, ok bool) {
	before, after, _ := strings.Cut(line, " - ")
	mount, fs := strings.Fields(before), strings.Fields(after)
	if len(mount) < 6 || len(fs) < 2 {
		return m, false
	}
	return Mount{
		ID: mount[0], Root: unescape(mount[3]), Point: unescape(mount[4]),
		Flags: strings.Split(mount[5], ","), Type: fs[0], Options: strings.Split(fs[len(fs)-1], ","),
	}, true
}

// unescape undoes the octal escapes of white space and backslashes.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
