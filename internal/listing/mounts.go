package listing

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

// The names of the numbers that mounts are made with: mount_setattr(2), fsopen(2) and
// their kin.

func fsconfigCmd(l *line, n int) {
	l.enum(n, names{program.FsconfigFlag: "FSCONFIG_SET_FLAG", program.FsconfigString: "FSCONFIG_SET_STRING", program.FsconfigFD: "FSCONFIG_SET_FD", program.FsconfigCreate: "FSCONFIG_CMD_CREATE"})
}

func fsconfigKey(l *line, n int) { str(l, n) }

func fsconfigValue(l *line, n int) { str(l, n) }

func fsopenFlags(l *line, n int) { l.flags(n, flag{1, "FSOPEN_CLOEXEC"}) }

func fsmountFlags(l *line, n int) { l.flags(n, flag{1, "FSMOUNT_CLOEXEC"}) }

// mountAttributes are the flags of mount_setattr(2).
var mountAttributes = []flag{
	{1, "MOUNT_ATTR_RDONLY"}, {2, "MOUNT_ATTR_NOSUID"}, {4, "MOUNT_ATTR_NODEV"}, {8, "MOUNT_ATTR_NOEXEC"},
	{0x70, "MOUNT_ATTR__ATIME"}, {0x10, "MOUNT_ATTR_NOATIME"}, {0x20, "MOUNT_ATTR_STRICTATIME"}, {0x80, "MOUNT_ATTR_NODIRATIME"},
	{0x100000, "MOUNT_ATTR_IDMAP"}, {0x200000, "MOUNT_ATTR_NOSYMFOLLOW"},
}

func mountAttrs(l *line, n int) { l.flags(n, mountAttributes...) }

// mountAttr prints a struct mount_attr.
func mountAttr(l *line, n int) {
	if l.null(n) {
		return
	}
	var list []string
	for i, field := range [...]string{"attr_set=", "attr_clr="} {
		if v := l.word(n, i); v != 0 {
			list = append(list, field+flagNames(v, mountAttributes))
		}
	}
	if v := l.word(n, 2); v != 0 {
		list = append(list, "propagation="+flagNames(v, mountFlagNames))
	}
	l.WriteString("{" + strings.Join(list, ", ") + "}")
}

var mountFlagNames = []flag{
	{1, "MS_RDONLY"}, {2, "MS_NOSUID"}, {4, "MS_NODEV"}, {8, "MS_NOEXEC"}, {0x20, "MS_REMOUNT"}, {0x400, "MS_NOATIME"},
	{0x4000, "MS_REC"}, {1 << 17, "MS_UNBINDABLE"}, {1 << 18, "MS_PRIVATE"}, {1 << 19, "MS_SLAVE"}, {1 << 20, "MS_SHARED"},
	{0x1000, "MS_BIND"}, {0x100, "MS_NOSYMFOLLOW"},
}

func mountFlags(l *line, n int) { l.flags(n, mountFlagNames...) }

func openTreeFlags(l *line, n int) {
	l.flags(n, flag{1, "OPEN_TREE_CLONE"}, flag{0o2000000, "OPEN_TREE_CLOEXEC"}, flag{0x8000, "AT_RECURSIVE"}, flag{0x1000, "AT_EMPTY_PATH"})
}

func moveFlags(l *line, n int) {
	l.flags(n, flag{4, "MOVE_MOUNT_F_EMPTY_PATH"}, flag{0x40, "MOVE_MOUNT_T_EMPTY_PATH"})
}

func umountFlags(l *line, n int) { l.flags(n, flag{2, "MNT_DETACH"}) }

// openHow prints a struct open_how.
func openHow(l *line, n int) {
	if l.null(n) {
		return
	}
	flags := flagNames(l.word(n, 0), []flag{{1, "O_WRONLY"}, {0o100, "O_CREAT"}, {0o200, "O_EXCL"}, {0o2000000, "O_CLOEXEC"}, {0o10000000, "O_PATH"}})
	l.WriteString("{flags=" + flags)
	if mode := l.word(n, 1); mode != 0 {
		l.WriteString(", mode=0" + strconv.FormatUint(mode, 8))
	}
	l.WriteString(", resolve=" + flagNames(l.word(n, 2), []flag{{2, "RESOLVE_NO_MAGICLINKS"}, {4, "RESOLVE_NO_SYMLINKS"}, {8, "RESOLVE_BENEATH"}, {0x10, "RESOLVE_IN_ROOT"}}) + "}")
}

// fileMode prints the mode of a file that is made.
func fileMode(l *line, n int) {
	v := l.value(n)
	l.WriteString(names{0o100000: "S_IFREG"}.of(v&0o170000) + "|0" + strconv.FormatUint(v&0o7777, 8))
}

// mountedBy names what a step that works on a mount by its descriptor is about.
func mountedBy(p *program.Program, s *program.Step) string {
	switch s.Call {
	case program.Fsconfig:
		key, value := p.StrAt(s.Args[2]), p.StrAt(s.Args[3])
		if key == "" {
			return openedBy(p, s.Args[0])
		}
		if value != "" {
			key += "=" + value
		}
		return key
	case program.MoveMount:
		return below(p, s.Args[2], s.Args[3])
	case program.Mkdirat, program.Mknodat, program.Readlinkat:
		return below(p, s.Args[0], s.Args[1])
	case program.Symlinkat:
		return below(p, s.Args[1], s.Args[2])
	}
	if path := p.StrAt(s.Args[1]); path != "" {
		return path
	}
	return openedBy(p, s.Args[0])
}

// below is a path that begins at a descriptor's directory, which the program has found in
// its root, or which is the root.
func below(p *program.Program, dir, name program.Arg) string {
	path := p.StrAt(name)
	if dir.Kind != program.Result || strings.HasPrefix(path, "/") {
		return path
	}
	from := dirPath(p, dir)
	if path == "" {
		return from
	}
	return from + "/" + path
}

// dirPath is where a descriptor's directory is in the root, without a slash at the end. The program may have opened
// one directory after the other; ".." is what is on top of the root.
func dirPath(p *program.Program, dir program.Arg) (path string) {
	for range p.Steps {
		if dir.Kind != program.Result {
			return path
		}
		open := origin(p, dir)
		if open.Call == program.Fsmount {
			return placeOf(p, open) + path
		}
		if open.Call != program.Openat2 && open.Call != program.Openat {
			return path
		}
		name := strings.TrimSuffix(p.StrAt(open.Args[1]), "/")
		if dir = open.Args[0]; name == ".." {
			return path
		}
		if dir.Kind != program.Result || strings.HasPrefix(name, "/") || name == "" {
			return name + path
		}
		path = "/" + name + path
	}
	return path
}

// mountPlace is where a mount goes that mount(2) makes, at index i. Files have the names of numbers for it, to which
// they were duplicated just before, and a mount is made in a hidden place first, and then moved.
func mountPlace(p *program.Program, i int) string {
	if !strings.HasPrefix(p.StrAt(p.Steps[i].Args[1]), selfFD) {
		return p.StrAt(p.Steps[i].Args[1])
	}
	for j := i; j < len(p.Steps) && p.Steps[j].Field == p.Steps[i].Field; j++ {
		if s := &p.Steps[j]; s.Call == program.Mount && s.Args[3].Kind == program.Number && s.Args[3].Value&msMove != 0 {
			i = j
			break
		}
	}
	number := strings.TrimPrefix(p.StrAt(p.Steps[i].Args[1]), selfFD)
	for i--; i >= 0; i-- {
		if s := &p.Steps[i]; s.Call == program.Dup3 && strconv.FormatUint(s.Args[1].Value, 10) == number {
			return dirPath(p, s.Args[0])
		}
	}
	return ""
}

const selfFD, msMove = "self/fd/", 0x2000

// placeOf is where a new file system is mounted, without a slash at the end.
func placeOf(p *program.Program, made *program.Step) string {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Call == program.MoveMount && s.Args[0].Kind == program.Result && origin(p, s.Args[0]) == made {
			return strings.TrimSuffix(below(p, s.Args[2], s.Args[3]), "/")
		}
	}
	return ""
}

// openedBy is the path, or the type of the file system, that a descriptor was opened by.
func openedBy(p *program.Program, fd program.Arg) string {
	if fd.Kind != program.Result {
		return ""
	}
	switch open := origin(p, fd); open.Call {
	case program.Fsopen:
		return p.StrAt(open.Args[0])
	case program.OpenTree, program.Openat, program.Openat2:
		return p.StrAt(open.Args[1])
	case program.Fsmount:
		if context := open.Args[0]; context.Kind == program.Result {
			return p.StrAt(origin(p, context).Args[0])
		}
	}
	return ""
}
