//go:build linux

package bwrap

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// user is what an ordinary user's machine says.
func user() *Facts {
	return &Facts{UID: 1000, GID: 100, Dir: "/project", HasUserNS: func() bool { return true }, HasCgroup: func() error { return nil },
		RealPath: func(p string) string { return p }, Data: map[int][]byte{5: []byte("text"), 6: {}}, Files: map[int]*os.File{}}
}

func root() *Facts {
	f := user()
	f.UID, f.GID, f.Effective = 0, 0, 1<<unix.CAP_KILL|1<<unix.CAP_CHOWN
	return f
}

func translate(t *testing.T, line string, f *Facts) *sprog.Cmd {
	t.Helper()
	o, _, err := parse(line, nil)
	if err == nil {
		err = o.Check(f)
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	cmd, _ := o.Translate(f)
	return cmd
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		line, want string
		f          *Facts
	}{
		{"--unshare-pid", "", user()},
		{"--userns-block-fd 3 --info-fd 4 true", "--userns-block-fd requires --unshare-user", root()},
		{"--unshare-user --userns-block-fd 3 true", "--userns-block-fd requires --info-fd", root()},
		{"--userns 3 --unshare-user true", "--userns not compatible --unshare-user", user()},
		{"--userns 3 --unshare-user-try true", "--userns not compatible --unshare-user-try", user()},
		{"--disable-userns true", "--disable-userns requires --unshare-user", user()},
		{"--uid 5 true", "Specifying --uid requires --unshare-user or --userns", root()},
		{"--gid 5 true", "Specifying --gid requires --unshare-user or --userns", root()},
		{"--hostname x true", "Specifying --hostname requires --unshare-uts", user()},
		{"--file-label x true", "labeling not supported on this system", user()},
		{"--as-pid-1 true", "Specifying --as-pid-1 requires --unshare-pid", user()},
		{"--as-pid-1 --unshare-pid --lock-file /l true", "Specifying --as-pid-1 and --lock-file is not permitted", user()},
	} {
		o, _, err := parse(test.line, nil)
		if err == nil {
			err = o.Check(test.f)
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v; want %q", test.line, err, test.want)
		}
	}
}

func TestNamespaces(t *testing.T) {
	for _, test := range []struct {
		line  string
		f     *Facts
		flags uintptr
	}{
		{"true", root(), unix.CLONE_NEWNS},
		{"true", user(), unix.CLONE_NEWNS | unix.CLONE_NEWUSER},
		{"--userns 3 true", user(), unix.CLONE_NEWNS},
		{"--unshare-all --share-net true", root(), unix.CLONE_NEWNS | unix.CLONE_NEWUSER | unix.CLONE_NEWIPC | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP},
		{"--share-net --unshare-net true", root(), unix.CLONE_NEWNS | unix.CLONE_NEWNET},
	} {
		if got := translate(t, test.line, test.f).SysProcAttr.Cloneflags; got != test.flags {
			t.Errorf("%s: flags %#x; want %#x", test.line, got, test.flags)
		}
	}
	cmd := translate(t, "--uid 7 --unshare-pid true", user())
	if m := cmd.SysProcAttr.UidMappings; len(m) != 1 || m[0].ContainerID != 7 || m[0].HostID != 1000 {
		t.Errorf("uids are mapped by %v", m)
	}
	if init := cmd.Attr.Init; init == nil || !init.Linger || !init.Visible {
		t.Errorf("the init is %+v", init)
	}
	if cmd := translate(t, "--unshare-pid --as-pid-1 true", user()); cmd.Attr.Init != nil {
		t.Error("the program of --as-pid-1 has an init")
	}
}

// Root keeps what he has, and others have nothing.
func TestCaps(t *testing.T) {
	for _, test := range []struct {
		line string
		f    *Facts
		want string
	}{
		{"true", root(), "<nil>"},
		{"true", user(), "bounding drop all; permitted drop all"},
		{"--cap-drop ALL true", root(), "bounding; permitted drop all"},
		{"--cap-drop CAP_KILL true", root(), "bounding; permitted drop all add 0"},
		{"--cap-add CAP_KILL true", user(), "bounding drop all add 5; permitted drop all add 5"},
		{"--cap-add CAP_KILL --cap-drop all true", user(), "bounding drop all; permitted drop all"},
		{"--unshare-user true", root(), "bounding drop all add 0 5; permitted"},
	} {
		caps := translate(t, test.line, test.f).Attr.Caps
		got := "<nil>"
		if caps != nil {
			got = "bounding" + edit(caps.Bounding) + "; permitted" + edit(caps.Permitted)
		}
		if got != test.want {
			t.Errorf("%s: %s; want %s", test.line, got, test.want)
		}
	}
}

func edit(s sprog.CapSet) (text string) {
	if len(s.Drop) > 0 {
		text += " drop " + strings.Join(s.Drop, " ")
	}
	if len(s.Add) > 0 {
		text += " add " + strings.Join(s.Add, " ")
	}
	return text
}

// The init of a filtered program has a capability that the program lacks, which so cannot
// trace it. A program with capabilities could: there the init is not to be seen.
func TestInitIsOutOfReach(t *testing.T) {
	f := user()
	f.Filters = [][]byte{make([]byte, 8)}
	if cmd := translate(t, "--unshare-pid true", f); !cmd.Attr.Init.Visible || !reflect.DeepEqual(cmd.Attr.Caps.Permitted.Add, []string{"wake_alarm"}) || cmd.Attr.Caps.Effective.Add != nil {
		t.Errorf("init %+v, capabilities %+v", cmd.Attr.Init, cmd.Attr.Caps)
	}
	if cmd := translate(t, "--unshare-pid --cap-add CAP_KILL true", f); cmd.Attr.Init.Visible {
		t.Error("a filtered program with capabilities can trace its init")
	}
}

func TestDirectories(t *testing.T) {
	cmd := translate(t, "true", user())
	if want := []string{"/project", "/root", "/"}; !reflect.DeepEqual(cmd.Attr.Dirs, want) || cmd.Dir != "" {
		t.Errorf("Dirs = %q, Dir = %q; want %q", cmd.Attr.Dirs, cmd.Dir, want)
	}
	cmd = translate(t, "--chdir /a/../b --setenv PWD x true", user())
	if got := cmd.Env[len(cmd.Env)-1]; cmd.Dir != "/b" || got != "PWD=/a/../b" || strings.Count(strings.Join(cmd.Env, " "), "PWD=") != 1 {
		t.Errorf("Dir = %q, Env = %q", cmd.Dir, cmd.Env)
	}
}

// shown is a mount in short.
func shown(m sprog.Mount) string {
	text := m.Target
	for _, part := range []struct {
		name  string
		given bool
	}{
		{"bind " + m.Bind, m.Bind != ""}, {"tmpfs", m.Tmpfs != nil}, {"proc", m.Proc != nil}, {"dev", m.Dev != nil}, {"dir", m.Dir},
		{"data " + string(m.Data), m.Data != nil}, {"copy", m.Copy}, {"link " + m.Symlink, m.Symlink != ""}, {"overlay", m.Overlay != nil},
		{"ro", m.Flags&sprog.MountReadOnly != 0}, {"nodev", m.Flags&sprog.MountNoDev != 0}, {"try", m.Optional}, {"create", m.Create},
		{"private", m.Propagation == sprog.PropagationPrivate},
	} {
		if part.given {
			text += " " + part.name
		}
	}
	if m.Mode != nil {
		text += fmt.Sprintf(" %#o", *m.Mode)
	}
	return text
}

func TestMounts(t *testing.T) {
	for line, want := range map[string]string{
		"--bind /a b":                        "/b bind /a nodev create",
		"--dev-bind-try /dev /d":             "/d bind /dev try create",
		"--ro-bind /usr /usr":                "/usr bind /usr ro nodev create private",
		"--ro-bind / /":                      "/ bind / ro nodev create private",
		"--tmpfs /t --dir /t/a --bind / /":   "/ bind / nodev create",
		"--remount-ro /a":                    "/a ro",
		"--chmod 640 /a":                     "/a 0640",
		"--perms 0700 --dir /a/b":            "/a dir create 0700; /a/b dir create 0700",
		"--dir /a/b":                         "/a/b dir create 0755",
		"--symlink x /a/l":                   "/a dir create 0755; /a/l link x create",
		"--file 5 /a/f":                      "/a dir create 0755; /a/f data text copy create 0666",
		"--perms 0640 --ro-bind-data 6 /a/f": "/a dir create 0750; /a/f data  ro nodev create 0640",
		"--proc /p":                          "/p bind /proc nodev create; /p/sys ro nodev try",
		"--unshare-pid --proc /p":            "/p proc create; /p/sys ro nodev try",
		"--overlay-src l --overlay-src m --tmp-overlay /o": "/o overlay create",
	} {
		f := user()
		f.Covered = []string{"sys"}
		cmd := translate(t, line+" true", f)
		var got []string
		for _, m := range cmd.Attr.Mounts {
			got = append(got, shown(m))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %s\nwant %s", line, strings.Join(got, "; "), want)
		}
	}
	o := translate(t, "--overlay-src l --overlay-src /m --overlay u w /o true", user()).Attr.Mounts[0].Overlay
	if want := (sprog.Overlay{Lower: []string{"/m", "/project/l"}, Upper: "/project/u", Work: "/project/w", UserXattrs: true}); !reflect.DeepEqual(*o, want) {
		t.Errorf("overlay %+v; want %+v", *o, want)
	}
}
