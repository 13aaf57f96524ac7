package cgroup

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// enable makes controllers available to the cgroups below, through the cgroups
// above where those keep them back.
func (d dir) enable(need []string) error {
	on, err := d.words("cgroup.subtree_control")
	if err != nil {
		return err
	}
	missing := wordsNotIn(need, on)
	if len(missing) == 0 {
		return nil
	}
	if err := d.mayEnable(missing); err != nil {
		return err
	}
	have, err := d.words("cgroup.controllers")
	if err != nil {
		return err
	}
	if lacking := wordsNotIn(missing, have); len(lacking) > 0 {
		if err := d.fetch(lacking, have); err != nil {
			return err
		}
	}
	err = d.write("cgroup.subtree_control", enabling(missing))
	if errors.Is(err, unix.EOPNOTSUPP) {
		return &refusal{reason: d.path + " is threaded, or below a cgroup that is: " + strings.Join(missing, ", ") + " cannot be had there", errno: err}
	}
	return err
}

// mayEnable looks for processes that the kernel would refuse the controllers
// for. It does so even for those that it would accept, such as pids: they would
// make the cgroup the root of a threaded subtree, in which no process
// can be put into a new cgroup.
func (d dir) mayEnable(missing []string) error {
	if root, err := d.isRoot(); err != nil || root {
		return err
	}
	procs, err := d.processes()
	if errors.Is(err, unix.EOPNOTSUPP) {
		return &refusal{reason: d.path + " is threaded, or below a cgroup that is: " + strings.Join(missing, ", ") + " cannot be had there", errno: err}
	}
	if err != nil || len(procs) == 0 {
		return err
	}
	who := strconv.Itoa(len(procs)) + " processes"
	if len(procs) == 1 {
		who = "a process"
	}
	if slices.Contains(procs, strconv.Itoa(os.Getpid())) {
		who += ", this one among them"
		if len(procs) == 1 {
			who = "this process"
		}
	}
	return &refusal{
		reason: d.path + " holds " + who + ", so that it cannot give " + strings.Join(missing, ", ") +
			" to a cgroup below it",
		errno:  syscall.EBUSY,
		holder: d.path,
	}
}

// fetch has the cgroup above hand down controllers that are missing here.
func (d dir) fetch(lacking, have []string) error {
	up, ok, err := d.parent()
	if err != nil {
		return err
	}
	reason := notAvailable(d.path, lacking, have)
	if !ok {
		return &refusal{reason: reason + whereElse(lacking), errno: unix.ENOENT}
	}
	defer up.close()
	err = up.enable(lacking)
	var deeper *refusal
	if errors.As(err, &deeper) {
		return &refusal{reason: reason + "; " + deeper.reason, errno: deeper.errno, holder: deeper.holder}
	}
	if err != nil && !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE) {
		return &refusal{reason: reason + ", and cannot be enabled above: " + err.Error(), errno: err}
	}
	return err
}

// enabling is what enables controllers.
func enabling(names []string) string { return "+" + strings.Join(names, " +") }

func notAvailable(path string, lacking, have []string) string {
	what := "controller " + lacking[0] + " is"
	if len(lacking) > 1 {
		what = "controllers " + strings.Join(lacking, ", ") + " are"
	}
	return what + " not available in " + path + ": cgroup.controllers has " + strconv.Quote(strings.Join(have, " "))
}

// whereElse says what has a controller that cgroup v2 has not.
func whereElse(names []string) (text string) {
	table, _ := plain.Read("/proc/cgroups")
	for line := range strings.Lines(table) {
		w := strings.Fields(line)
		if len(w) < 4 || !slices.Contains(names, w[0]) && (w[0] != "blkio" || !slices.Contains(names, "io")) {
			continue
		}
		switch {
		case w[3] == "0":
			text += "; " + w[0] + " is disabled (cgroup_disable= of the kernel's command line)"
		case w[1] != "0":
			text += "; " + w[0] + " is used by a v1 hierarchy, until the kernel boots with cgroup_no_v1=" + w[0]
		}
	}
	return text
}

// wordsNotIn returns the words of list that are not in others.
func wordsNotIn(list, others []string) (rest []string) {
	for _, w := range list {
		if !slices.Contains(others, w) {
			rest = append(rest, w)
		}
	}
	return rest
}

// evacuate moves the processes of the cgroup to a leaf below it. They may fork
// meanwhile. It is never the root of the hierarchy, whose processes are the
// whole machine's, nor does process 1 ever move.
func (d dir) evacuate() error {
	if root, err := d.isRoot(); err != nil || root {
		return err
	}
	if err := d.mkdir(Leaf); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	leaf, err := d.sub(Leaf)
	if err != nil {
		return err
	}
	defer leaf.close()
	for range 100 {
		procs, err := d.processes()
		if err != nil || len(procs) == 0 {
			return err
		}
		switch {
		case slices.Contains(procs, "0"): // this process, to the kernel
			return cannotEvacuate(d.path + " holds a process of another PID namespace, which cannot be moved from here")
		case slices.Contains(procs, "1"):
			return cannotEvacuate(d.path + " holds process 1: it is not this process's to reorganise")
		}
		for _, pid := range procs {
			if err := leaf.write("cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return cannotEvacuate(d.path + " gets new processes faster than they can be moved to " + Leaf)
}

func cannotEvacuate(why string) error { return &refusal{reason: why, errno: unix.EBUSY} }

// CouldEnable says why [Make] could not give a controller to a new cgroup, or is nil. It
// does not try, since the controller would stay enabled in the cgroups above.
// The error is an [*Error].
func CouldEnable(name string) error {
	list, err := usableParents()
	if err != nil {
		return failed("", err)
	}
	defer closeAll(list)
	var first error
	for _, d := range list {
		err := d.couldEnable(name)
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return failed("", first)
}

// couldEnable is what [dir.enable] would come to.
func (d dir) couldEnable(name string) error {
	on, err := d.words("cgroup.subtree_control")
	if err != nil || slices.Contains(on, name) {
		return err
	}
	if err := d.mayEnable([]string{name}); err != nil {
		return err
	}
	have, err := d.words("cgroup.controllers")
	if err != nil {
		return err
	}
	if !slices.Contains(have, name) {
		up, ok, err := d.parent()
		switch {
		case err != nil:
			return err
		case !ok:
			return &refusal{reason: notAvailable(d.path, []string{name}, have) + whereElse([]string{name}), errno: unix.ENOENT}
		}
		defer up.close()
		if err := up.couldEnable(name); err != nil {
			return err
		}
	}
	if err := unix.Faccessat(d.fd(), "cgroup.subtree_control", unix.W_OK, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "access", Path: d.path + "/cgroup.subtree_control", Err: err}
	}
	return nil
}
