package bwrap

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// parse reads a line of words, with the files of --args by their descriptors.
func parse(line string, files map[int]string) (*Options, []string, error) {
	var warned []string
	o, err := Parse(strings.Fields(line), []string{"A=1", "HOME=/root"}, Reader{
		Args: func(fd int) ([]byte, error) {
			text, there := files[fd]
			if !there {
				return nil, errors.New("bad file descriptor")
			}
			return []byte(text), nil
		},
		Warn:     func(_ *Options, text string) { warned = append(warned, text) },
		KnownCap: func(name string) bool { return strings.EqualFold(name, "CAP_KILL") },
	})
	return o, warned, err
}

func TestMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"--no-such true":                     "Unknown option --no-such",
		"-v true":                            "Unknown option -v",
		"--bind /a":                          "--bind takes two arguments",
		"--ro-bind-try /a":                   "--ro-bind-try takes two arguments",
		"--ro-bind-fd 3":                     "--bind-fd takes two arguments",
		"--chdir":                            "--chdir takes one argument",
		"--argv0":                            "--argv0 takes one argument",
		"--argv0 a --argv0 b true":           "--argv0 used multiple times",
		"--remount-ro":                       "--remount-ro takes one argument",
		"--proc":                             "--proc takes an argument",
		"--overlay a b":                      "--overlay takes three arguments",
		"--overlay a b /c":                   "--overlay requires at least one --overlay-src",
		"--overlay-src a --ro-overlay /c":    "--ro-overlay requires at least two --overlay-src",
		"--overlay-src a":                    overlaySrcAlone,
		"--overlay-src a --dir /b true":      overlaySrcAlone,
		"--overlay-src a -- true":            overlaySrcAlone,
		"--perms 700 --bind /a /b true":      "--perms must be followed by an option that creates a file",
		"--perms 700 --perms 700 --dir /a":   "--perms given twice for the same action",
		"--perms 10000 --dir /a":             "--perms takes an octal argument <= 07777",
		"--perms 8 --dir /a":                 "--perms takes an octal argument <= 07777",
		"--chmod x /a":                       "--chmod takes an octal argument <= 07777",
		"--size 1 --dir /a":                  "--size must be followed by --tmpfs",
		"--size 1 --size 1 --tmpfs /a":       "--size given twice for the same action",
		"--size 0 --tmpfs /a":                "--size takes a non-zero number of bytes",
		"--size 1x --tmpfs /a":               "--size takes a non-zero number of bytes",
		"--size -1 --tmpfs /a":               "--size takes a non-zero number of bytes",
		"--size 9223372036854775809 --tmpfs": "--size (for tmpfs) is limited to 9223372036854775807",
		"--sync-fd x true":                   "Invalid fd: x",
		"--sync-fd -1 true":                  "Invalid fd: -1",
		"--uid x true":                       "Invalid uid: x",
		"--gid -3 true":                      "Invalid gid: -3",
		"--cap-add CAP_NO true":              "unknown cap: CAP_NO",
		"--seccomp 3 --add-seccomp-fd 4":     "--add-seccomp-fd cannot be combined with --seccomp",
		"--add-seccomp-fd 4 --seccomp 3":     "--seccomp cannot be combined with --add-seccomp-fd",
		"--args 9 true":                      "Can't read --args data: bad file descriptor",
		"--args 3 true":                      "--args not supported in arguments file",
		strings.Repeat("--new-session ", 9001) + "true": "Exceeded maximum number of arguments 9000",
	} {
		_, _, err := parse(line, map[int]string{3: "--args\x004\x00"})
		if err == nil || err.Error() != want {
			t.Errorf("%.60s: %v; want %s", line, err, want)
		}
	}
}

func TestOperationsKeepTheirOrder(t *testing.T) {
	o, _, err := parse("--ro-bind / / --perms 0700 --size 4096 --tmpfs /t --args 3 --symlink a /l --overlay-src b --overlay-src c --overlay u w /o "+
		"--bind-data 5 /d --dev-bind-try /x /y --chmod 644 /d -- --bind x", map[int]string{3: "--dir\x00/in the file\x00--new-session"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Op{
		{Kind: ReadOnlyBind, Source: "/", Dest: "/", FD: -1, Perms: -1},
		{Kind: Tmpfs, Dest: "/t", FD: -1, Perms: 0o700, Size: 4096},
		{Kind: Dir, Dest: "/in the file", FD: -1, Perms: 0o755},
		{Kind: Symlink, Source: "a", Dest: "/l", FD: -1, Perms: -1},
		{Kind: Overlay, Source: "u", Work: "w", Lower: []string{"b", "c"}, Dest: "/o", FD: -1, Perms: -1},
		{Kind: BindData, Dest: "/d", FD: 5, Perms: 0o600},
		{Kind: DevBind, Source: "/x", Dest: "/y", FD: -1, Perms: -1, Try: true},
		{Kind: Chmod, Dest: "/d", FD: -1, Perms: 0o644},
	}
	if !reflect.DeepEqual(o.Ops, want) {
		t.Errorf("Ops = %+v\nwant %+v", o.Ops, want)
	}
	if !o.NewSession {
		t.Error("the last word of --args is lost, which no NUL byte ends")
	}
	if want := []string{"--bind", "x"}; !reflect.DeepEqual(o.Command, want) {
		t.Errorf("Command = %q; want %q", o.Command, want)
	}
}

func TestEnvironmentIsChangedInOrder(t *testing.T) {
	for line, want := range map[string]string{
		"true":                                  "A=1 HOME=/root",
		"--setenv A 2 true":                     "HOME=/root A=2",
		"--unsetenv A --setenv B x true":        "HOME=/root B=x",
		"--setenv B x --clearenv true":          "",
		"--clearenv --setenv B x true":          "B=x",
		"--setenv B x --setenv B y true":        "A=1 HOME=/root B=y",
		"--setenv B x --unsetenv B -- true":     "A=1 HOME=/root",
		"--setenv AA x --unsetenv A --dir / -a": "HOME=/root AA=x",
	} {
		o, _, _ := parse(line, nil)
		if got := strings.Join(o.Env, " "); got != want {
			t.Errorf("%s: %q; want %q", line, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, option := range []string{"--chdir /a", "--uid 1", "--info-fd 3", "--hostname x", "--seccomp 4", "--userns 5"} {
		_, warned, err := parse(option+" "+option+" true", nil)
		want := "Only the last " + strings.Fields(option)[0] + " option will take effect"
		if err != nil || len(warned) != 1 || warned[0] != want {
			t.Errorf("%s: %q, %v; want %q", option, warned, err, want)
		}
	}
}
