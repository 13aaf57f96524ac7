//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// meets reports whether the child waits for the parent to write its id maps.
// A process in a new user namespace may write only one line of its own
// (user_namespaces(7)), the parent as many as its privileges allow.
func (r *request) meets() bool {
	return !r.inPlace && r.sys.Cloneflags&unix.CLONE_NEWUSER != 0 && (r.sys.UidMappings != nil || r.sys.GidMappings != nil)
}

// meetParent waits until the parent has written the maps. Should the parent
// be killed meanwhile, the child goes too: it would wait forever.
func (b *builder) meetParent() {
	if !b.meets() {
		return
	}
	name := field("UidMappings")
	if b.sys.UidMappings == nil {
		name = field("GidMappings")
	}
	b.add(name, program.Prctl, num(unix.PR_SET_PDEATHSIG), num(int(unix.SIGKILL)))
	b.endWithoutParent(name)
	b.goWord = b.p.Words(0)
	b.p.Label(b.goWord, "go")
	b.p.Add(name, program.Test, b.goWord, num(1), num(2)).Quiet = true
	wait := b.add(name, program.Futex, b.goWord, num(0), num(0), num(0))
	wait.Goto(uint32(unix.EAGAIN), -1)
	wait.Goto(uint32(unix.EINTR), -1)
	wait.Next = -1
}

// A mapFile is a file of /proc/PID that sets up a user namespace, and its text.
type mapFile struct {
	name, text, field string
}

// mapFiles are the files to write, in the order of package syscall.
func (r *request) mapFiles() (list []mapFile) {
	if r.sys.UidMappings != nil {
		list = append(list, mapFile{"uid_map", mapText(r.sys.UidMappings), field("UidMappings")})
	}
	if r.sys.GidMappings != nil {
		// Without privileges in the parent namespace the kernel lets a group
		// map be written only after setgroups(2) has been given up, by which
		// a process could get rid of a group that denies it something.
		setgroups := "deny"
		if r.sys.GidMappingsEnableSetgroups {
			setgroups = "allow"
		}
		list = append(list,
			mapFile{"setgroups", setgroups, field("GidMappingsEnableSetgroups")},
			mapFile{"gid_map", mapText(r.sys.GidMappings), field("GidMappings")})
	}
	return list
}

func mapText(maps []syscall.SysProcIDMap) string {
	var b strings.Builder
	for _, m := range maps {
		b.WriteString(strconv.Itoa(m.ContainerID) + " " + strconv.Itoa(m.HostID) + " " + strconv.Itoa(m.Size) + "\n")
	}
	return b.String()
}

// writeOwnMaps has the child write its own maps, after unshare. Group maps
// come first there, as in package syscall.
func (b *builder) writeOwnMaps() {
	files := b.mapFiles()
	if len(files) > 1 && files[0].name == "uid_map" {
		files = append(files[1:], files[0])
	}
	for _, f := range files {
		p := b.p
		open := p.Len()
		b.add(f.field, program.Openat, num(unix.AT_FDCWD), p.Str("/proc/self/"+f.name), num(unix.O_WRONLY), num(0))
		b.add(f.field, program.Write, num(0), p.Str(f.text), num(len(f.text)))
		p.FeedArg(open, open+1, 0)
		b.add(f.field, program.Close, num(0)).Quiet = true
		p.FeedArg(open, open+2, 0)
	}
}

// writeMaps is the parent's part of the rendezvous.
func (r *request) writeMaps(pid int) error {
	for _, f := range r.mapFiles() {
		path := "/proc/" + strconv.Itoa(pid) + "/" + f.name
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err == unix.ENOENT && f.name == "setgroups" {
			continue // before Linux 3.19
		}
		step := "open"
		if err == nil {
			step = "write"
			_, err = unix.Write(fd, []byte(f.text))
			unix.Close(fd)
		}
		if err != nil {
			object := path
			if step == "write" {
				object = f.name + " " + strconv.Quote(strings.TrimSuffix(f.text, "\n"))
			}
			return &StartError{Path: r.path, Step: step, Object: object, Field: f.field,
				Syscall: f.call(path, step), Err: err}
		}
	}
	return nil
}

func (f mapFile) call(path, step string) string {
	if step == "open" {
		return "openat(AT_FDCWD, " + strconv.Quote(path) + ", O_WRONLY|O_CLOEXEC)"
	}
	return f.write(path)
}

// write is the call that writes the text to a file.
func (f mapFile) write(file string) string {
	return "write(" + file + ", " + strconv.Quote(f.text) + ", " + strconv.Itoa(len(f.text)) + ")"
}
