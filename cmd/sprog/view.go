//go:build linux

package main

import (
	"slices"

	"github.com/sprog-dev/sprog"
)

// The viewFlags say what the program sees of the file system. Those of mounts stand in one order.
type viewFlags struct {
	Root     rootDir `placeholder:"DIR|empty|host" help:"Root directory of the program: a directory, an empty one, or the caller's, which is the default. Every flag of this group implies --unshare mount and, for an ordinary user, --map-current. They apply in the order of the command line; sources are always what they are outside."`
	ReadOnly bool    `brief:"Make everything read-only; see filesystem" help:"Make the root read-only, and with the caller's root everything below it; the flags below put something else in places."`

	Bind      mounts[bindForm]       `placeholder:"SRC[:DST[:ro]]" short:"v" brief:"Show SRC at DST" help:"Show the file or directory SRC at DST (default: the same path), with all that is mounted below. A ? behind SRC leaves it out if it does not exist, here and below. Repeatable, as the next ones."`
	RoBind    mounts[roBindForm]     `placeholder:"SRC[:DST]" help:"The same, read-only."`
	DevBind   mounts[devBindForm]    `placeholder:"SRC[:DST]" help:"The same as --bind, and devices can be opened."`
	Tmpfs     mounts[tmpfsForm]      `placeholder:"DST[:OPTION,...]" help:"An empty file system in memory at DST. OPTION is size=, mode= or inodes=."`
	Proc      mounts[procForm]       `placeholder:"DST" help:"A new /proc at DST, of a new PID namespace (--unshare pid)."`
	MountProc perhaps[mountProcForm] `placeholder:"DST" help:"The same, at /proc unless DST is given."`
	Dev       mounts[devForm]        `placeholder:"DST" help:"A small /dev at DST: null, zero, full, random, urandom, tty, and pseudo-terminals of its own. With --tty, console is the program's terminal."`
	Overlay   mounts[overlayForm]    `placeholder:"DST=LOWER[:LOWER...][,upper=DIR,work=DIR]" help:"A union of directories at DST, the topmost first. Changes go to upper=, or are gone at the end."`
	Mask      mounts[maskForm]       `placeholder:"PATH" help:"Hide what is at PATH."`
	ReadWrite mounts[readWriteForm]  `placeholder:"PATH" help:"Leave PATH as the caller has it: a hole in --read-only and in what hides a directory above."`
	DataAt    mounts[dataAtForm]     `placeholder:"DST=TEXT" help:"A read-only file at DST with this content."`
	Symlink   mounts[symlinkForm]    `placeholder:"DST=TEXT" help:"A symbolic link at DST that leads to TEXT."`
	System    perhaps[systemForm]    `placeholder:"ro" help:"What programs of this system need: /usr, /bin, /lib and their kin, and the list of libraries. Read-only. For --root empty."`
	Mount     mounts[mountForm]      `placeholder:"type=TYPE,KEY=VALUE,..." help:"Any mount; the keys are listed below."`

	PrivateTmp  perhaps[privateTmpForm]  `placeholder:"OPTION,..." help:"Empty /tmp and /var/tmp, with the options of --tmpfs."`
	PrivateHome perhaps[privateHomeForm] `placeholder:"OPTION,..." help:"An empty home directory, with the same options."`
	PrivateDev  perhaps[privateDevForm]  `placeholder:"NODE,..." help:"The same as --dev /dev, or with these devices only."`
}

// A rootDir is what the root is.
type rootDir string

func (r *rootDir) Set(s string) error {
	w, err := parseWord(s)
	*r = rootDir(w)
	return err
}

// A form is how the value of a flag is read. Bare is what it stands for without one.
type form interface {
	parse(s string) ([]sprog.Mount, error)
}

// A placed is what a flag mounts, with the flag's place among the others.
type placed struct {
	place int
	list  []sprog.Mount
}

// mounts are those of one flag. What a flag is given alone, it reads as the empty string if it may be.
type mounts[F form] struct {
	given []placed
	next  int
}

func (m *mounts[F]) SetPlace(n int) { m.next = n }

func (m *mounts[F]) Set(s string) error {
	var f F
	list, err := f.parse(s)
	if err == nil {
		m.given = append(m.given, placed{m.next, list})
	}
	return err
}

// perhaps is the same for flags whose value can be left out.
type perhaps[F form] struct{ mounts[F] }

func (m *perhaps[F]) SetBare() error { return m.Set("") }

// A listOf is what a flag mounts, whatever the form of its value.
type listOf struct {
	flag  string
	given []placed
}

func (f *viewFlags) all() []listOf {
	return []listOf{
		{"bind", f.Bind.given},
		{"ro-bind", f.RoBind.given},
		{"dev-bind", f.DevBind.given},
		{"tmpfs", f.Tmpfs.given},
		{"proc", f.Proc.given},
		{"mount-proc", f.MountProc.given},
		{"dev", f.Dev.given},
		{"overlay", f.Overlay.given},
		{"mask", f.Mask.given},
		{"read-write", f.ReadWrite.given},
		{"data-at", f.DataAt.given},
		{"symlink", f.Symlink.given},
		{"system", f.System.given},
		{"mount", f.Mount.given},
		{"private-tmp", f.PrivateTmp.given},
		{"private-home", f.PrivateHome.given},
		{"private-dev", f.PrivateDev.given},
	}
}

// mounts are those of all flags, in order.
func (f *viewFlags) mounts() (list []sprog.Mount) {
	list, _ = f.named()
	return list
}

// named are the mounts and the flags that they come from.
func (f *viewFlags) named() (list []sprog.Mount, names []string) {
	type given struct {
		placed
		flag string
	}
	var all []given
	for _, of := range f.all() {
		for _, p := range of.given {
			all = append(all, given{p, of.flag})
		}
	}
	slices.SortFunc(all, func(a, b given) int { return a.place - b.place })
	for _, g := range all {
		for _, m := range g.list {
			list, names = append(list, m), append(names, g.flag)
		}
	}
	return list, names
}

// asked reports whether there is a view.
func (f *viewFlags) asked() bool {
	some := func(of listOf) bool { return len(of.given) > 0 }
	return f.Root != "" || f.ReadOnly || slices.ContainsFunc(f.all(), some)
}

// makesProc reports whether a new /proc is to be made.
func (f *viewFlags) makesProc() bool {
	return f.asked() && slices.ContainsFunc(f.mounts(), func(m sprog.Mount) bool { return m.Proc != nil && m.Proc.Fallback != sprog.ProcOfCaller })
}

// root is what the flags say of the root directory.
func (f *viewFlags) root() *sprog.Root {
	root := &sprog.Root{}
	switch f.Root {
	case "", "host":
		if root.Host = true; !f.ReadOnly && f.Root == "" {
			return nil
		}
	case "empty":
		root.Empty = true
	default:
		root.Dir = string(f.Root)
	}
	if f.ReadOnly {
		root.Flags = sprog.MountReadOnly
	}
	return root
}
