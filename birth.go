package sprog

import (
	"os"
	"syscall"

	"github.com/sprog-dev/sprog/internal/job"
)

// A Birth tells what a start has made and applied. Each field belongs to the
// attribute of its name, and is zero without that.
type Birth struct {
	// Stops is for Init.ReportStops and JobControl. Each time the program stops
	// or continues a byte can be read from it: the signal that has stopped it, or
	// SIGCONT. Its end comes with that of the init. It is the caller's to close.
	Stops *os.File

	// Landlock tells what was applied of Attr.Landlock.
	Landlock *LandlockResult

	// SeccompListener is for rules with SeccompNotify: the descriptor from
	// which notifications are received, and answered, by ioctl(2) with
	// SECCOMP_IOCTL_NOTIF_RECV and its kin; see seccomp_unotify(2). The process
	// waits for each answer. The descriptor becomes readable with a
	// notification, and hangs up when no process is left under the filter;
	// before Linux 6.11, when all of them have been waited for. It is the
	// caller's to close; calls that are notified fail with ENOSYS then.
	SeccompListener *os.File

	// Namespaces are the ids of the program's namespaces of the kinds of
	// Attr.ReportNamespaces, user first and time last. The child has looked
	// them up itself, so they are right even if the program has ended.
	Namespaces []NamespaceID

	// View tells what was made of Attr.Mounts.
	View *ViewBirth

	// Cgroup is the cgroup that Attr.Cgroup has asked for.
	Cgroup *CgroupHandle

	end *os.File // where an init tells the program's end
}

// Ended tells how the program below an [Init] has ended: by its exit code, which is -1 if
// a signal has ended it. It reports false while the program runs, and where its init was
// killed first.
func (b *Birth) Ended() (code int, signal syscall.Signal, ended bool) {
	if b.end == nil {
		return 0, 0, false
	}
	var j job.Job
	j.ReadEnd(b.end)
	if j.End == nil {
		return 0, 0, false
	}
	return j.End.ExitCode, j.End.Signal, true
}
