//go:build linux

package box

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// tree makes files: a name with a slash at its end is a directory, and a value that begins with an arrow
// a link.
func tree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case name[len(name)-1] == '/':
			err = os.MkdirAll(path, 0o755)
		case len(text) > 2 && text[:2] == "->":
			err = os.Symlink(text[2:], path)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// changesIn is a project with changes that are kept apart.
func changesIn(t *testing.T, project, changes map[string]string) (*Project, *Changes, string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tree(t, dir+"/project", project)
	tree(t, dir+"/outside", map[string]string{"file": "outside"})
	p, err := FindProject(dir+"/project", dir+"/home")
	if err != nil {
		t.Fatal(err)
	}
	c, err := OpenChanges(dir+"/state", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	tree(t, dir+"/state/upper", changes)
	return &p, c, dir
}

// What a program has made of the upper directory, links first of all, leads nowhere outside.
func TestApplyStaysInside(t *testing.T) {
	p, c, dir := changesIn(t,
		map[string]string{".git/HEAD": "x", ".git/config": "c", "link": "->../outside", "inner": "->.git", "file": "f", "a/b": "b"},
		map[string]string{"link/file": "bad", "link/new": "bad", "inner/hooks/post-commit": "bad", "file": "->../outside/file", "a/up": "->../../outside", "a/b": "new"})
	if _, err := c.Apply(context.Background(), p, false); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"outside/file": "outside", "project/link/file": "bad", "project/a/b": "new", "project/.git/config": "c"} {
		if got, err := os.ReadFile(filepath.Join(dir, path)); string(got) != want {
			t.Errorf("%s is %q, %v; want %q", path, got, err, want)
		}
	}
	if info, err := os.Lstat(dir + "/project/link"); err != nil || !info.IsDir() {
		t.Errorf("link is %v, %v; want a directory", info, err)
	}
	for _, path := range []string{"/outside/new", "/project/.git/hooks/post-commit"} {
		if _, err := os.Lstat(dir + path); err == nil {
			t.Errorf("%s has been made", path)
		}
	}
}

// What git and others would execute is left as it is, wherever a repository is.
func TestApplyRefusesWhatIsExecuted(t *testing.T) {
	p, c, dir := changesIn(t,
		map[string]string{".git/HEAD": "x", ".git/config": "c", ".vscode/tasks.json": "t"},
		map[string]string{".git/config": "bad", ".git/commondir": "bad", ".git/hooks/pre-commit": "bad", ".git/index": "i", ".vscode/tasks.json": "bad",
			".envrc": "bad", "sub/.git/config": "bad", "sub/.git/HEAD": "h", "other/.git": "gitdir: /x", ".git/modules/m/config": "bad", ".git/modules/a/b/hooks/x": "bad"})
	done, err := c.Apply(context.Background(), p, false)
	refused := done.Protected
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{".git/config", ".git/commondir", ".git/hooks/pre-commit", ".vscode/tasks.json", ".envrc", "sub/.git/config", "other/.git", ".git/modules/m/config", ".git/modules/a/b/hooks/x"} {
		text, _ := os.ReadFile(filepath.Join(dir, "project", path))
		if !slices.Contains(refused, path) || string(text) == "bad" {
			t.Errorf("%s is %q, and %q are refused", path, text, refused)
		}
	}
	if text, err := os.ReadFile(dir + "/project/.git/index"); string(text) != "i" {
		t.Errorf(".git/index is %q, %v; want it applied", text, err)
	}
}

// Directories that hold more than one project are none.
func TestRefuse(t *testing.T) {
	for dir, refused := range map[string]bool{
		"/": true, "/home": true, "/home/a": true, "/tmp": true, "/usr": true, "/etc/x": true,
		"/home/a/p": false, "/tmp/x": false, "/srv/x": false, "/homes": false, "/home/b": false,
	} {
		p := Project{Dir: dir}
		if err := p.Refuse("/home/a"); (err != nil) != refused {
			t.Errorf("%s: %v; refused is to be %v", dir, err, refused)
		}
	}
}

// Variables with secrets in them are passed to nobody.
func TestPasses(t *testing.T) {
	for name, want := range map[string]bool{
		"PATH": true, "LC_ALL": true, "GOFLAGS": true, "npm_config_cache": true, "CARGO_HOME": true, "GIT_AUTHOR_NAME": true,
		"CARGO_REGISTRY_TOKEN": false, "npm_config__authToken": false, "GOOGLE_API_KEY": false, "PIP_INDEX_URL": false, "AWS_SECRET_ACCESS_KEY": false,
		"SSH_AUTH_SOCK": false, "DBUS_SESSION_BUS_ADDRESS": false, "NODE_AUTH_TOKEN": false, "XDG_RUNTIME_DIR": false, "LD_PRELOAD": false,
	} {
		if Passes(name) != want {
			t.Errorf("%s is passed: %v; want %v", name, !want, want)
		}
	}
}
