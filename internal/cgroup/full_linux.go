package cgroup

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/plain"
)

// Full names a cgroup that takes no more tasks, this process's or one above it, or
// is empty.
func Full() string {
	d, err := openOwn()
	for err == nil {
		most, err1 := d.read("pids.max")
		now, err2 := d.read("pids.current")
		up, ok, upErr := d.parent()
		d.close()
		if err1 == nil && err2 == nil && full(now, most) {
			if ok {
				up.close()
			}
			return d.path
		}
		if d, err = up, upErr; !ok {
			break
		}
	}
	return fullV1()
}

// full reports whether there are as many tasks as there may be.
func full(now, most string) bool {
	n, err1 := strconv.Atoi(strings.TrimSpace(now))
	m, err2 := strconv.Atoi(strings.TrimSpace(most))
	return err1 == nil && err2 == nil && n >= m
}

// fullV1 looks in the hierarchies of v1, where they are usually mounted.
func fullV1() string {
	list, _ := plain.Read("/proc/self/cgroup")
	for line := range strings.Lines(list) {
		w := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(w) < 3 || !slices.Contains(strings.Split(w[1], ","), "pids") {
			continue
		}
		for path := w[2]; path != "" && path != "/"; path = path[:strings.LastIndexByte(path, '/')] {
			at := "/sys/fs/cgroup/" + w[1] + path
			most, _ := plain.Read(at + "/pids.max")
			now, _ := plain.Read(at + "/pids.current")
			if full(now, most) {
				return at
			}
		}
	}
	return ""
}
