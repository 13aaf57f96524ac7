//go:build linux

package box

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A history tells, in nanoseconds, from when on a change to a file of the project is one that the program
// may not have seen. It lies beside the upper directory, where the program cannot write.
type history struct {
	run   int64            // the begin of the last run
	older map[string]int64 // of runs before that, by paths in the upper directory
}

// begin notes that a run begins. What is in the upper directory already comes from runs before: a
// program in this one sees it in the place of what the project has.
func (c *Changes) begin() error {
	before := c.history()
	now, err := nextTick()
	if err != nil {
		return err
	}
	text := fmt.Appendf(nil, "%d \x00", now)
	upper := filepath.Join(c.dir, "upper")
	err = filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == upper {
			return err
		}
		rel, _ := filepath.Rel(upper, path)
		text = fmt.Appendf(text, "%d %s\x00", before.of(rel), rel)
		_, err = openedFor(path, d)
		return err
	})
	if err != nil {
		return err
	}
	name := filepath.Join(c.dir, "history")
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// nextTick is a time that comes after all that the kernel has given files up to now, and before none of
// those that follow. It takes some from a clock that goes by ticks and lags behind, and since Linux 6.13 some
// from the exact one: what is waited for is that the first has passed the second.
func nextTick() (int64, error) {
	var exact, coarse unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &exact); err != nil {
		return 0, err
	}
	for {
		if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &coarse); err != nil {
			return 0, err
		}
		if coarse.Nano() > exact.Nano() {
			return coarse.Nano(), nil
		}
		time.Sleep(time.Millisecond)
	}
}

// history reads what begin has noted. Without anything noted, each file of the project may be newer.
func (c *Changes) history() history {
	h := history{older: map[string]int64{}}
	text, _ := os.ReadFile(filepath.Join(c.dir, "history"))
	for record := range strings.SplitSeq(string(text), "\x00") {
		when, path, _ := strings.Cut(record, " ")
		at, err := strconv.ParseInt(when, 10, 64)
		if err != nil {
			continue
		}
		if h.older[path] = at; path == "" {
			h.run = at
		}
	}
	return h
}

// of is the time for what is at a path in the upper directory.
func (h history) of(path string) int64 {
	if at, is := h.older[path]; is {
		return at
	}
	return h.run
}

// changedSince are the changes that would overwrite, or remove, what somebody has changed in the project since the run. A
// repository is consistent only as a whole: with one file of it, all of them are.
func (c *Changes) changedSince(project string, list []Change) map[string]bool {
	since, h := map[string]bool{}, c.history()
	var repositories []string
	for _, change := range list {
		from := change.Path
		if change.by != "" {
			from = change.by
		}
		if !isNewer(filepath.Join(project, change.Path), change, h.of(from)) {
			continue
		}
		since[change.Path] = true
		if before, _, is := strings.Cut("/"+change.Path, "/.git/"); is {
			repositories = append(repositories, strings.TrimPrefix(before+"/.git", "/"))
		}
	}
	for _, change := range list {
		in := func(dir string) bool { return below(change.Path, dir) }
		if slices.ContainsFunc(repositories, in) {
			since[change.Path] = true
		}
	}
	return since
}

// isNewer reports whether a change would do away with something that is newer. The kernel alone sets
// the time that it goes by, at each change to a file and when it is renamed. A directory that stays one
// gets a mode at most.
func isNewer(path string, change Change, than int64) bool {
	var st unix.Stat_t
	switch {
	case unix.Lstat(path, &st) != nil:
		return false
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return st.Ctim.Nano() >= than
	case change.Mode.IsDir() && change.Kind != 'D':
		return false
	}
	newer := false
	filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			newer = true
			return fs.SkipAll
		}
		if info, err := d.Info(); err != nil || !d.IsDir() && ctime(info) >= than {
			newer = true
			return fs.SkipAll
		}
		return nil
	})
	return newer
}

func ctime(info fs.FileInfo) int64 {
	st := info.Sys().(*syscall.Stat_t)
	return st.Ctim.Nano()
}

// settle leaves in the upper directory only what is kept of the list, so that the rest is what the
// project has, and stays it.
func (c *Changes) settle(list []Change, kept map[string]bool) error {
	upper := filepath.Join(c.dir, "upper")
	var paths []string
	err := filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Backward(paths[1:]) { // what is in a directory comes before it
		rel, _ := filepath.Rel(upper, path)
		switch {
		case typeOf(path) == unix.S_IFDIR: // which has been made anew, and now shows what the project has
			unix.Lremovexattr(path, "user.overlay.opaque")
			unix.Lremovexattr(path, "trusted.overlay.opaque")
			if !kept[rel] {
				os.Remove(path) // if it is empty
			}
		case !kept[rel]:
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for _, change := range list {
		if kept[change.Path] && change.by != "" {
			err = errors.Join(err, c.whiteOut(change, upper))
		}
	}
	return err
}

// whiteOut has an overlay show nothing at a path, which it did not show because of a directory above.
func (c *Changes) whiteOut(change Change, upper string) error {
	f, err := os.OpenFile(filepath.Join(c.dir, "history"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d %s\x00", c.history().of(change.by), change.Path)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	path := filepath.Join(upper, change.Path)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = unix.Mknod(path, unix.S_IFCHR, 0)
	}
	return err
}
