//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// killSetsid has the kernel kill whoever calls setsid(2): the calling thread's
// children, and the thread itself, which must not be used for anything else.
func killSetsid() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_SETSID},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}

// killed-by-filter WAY: start a program whose start calls setsid, where that
// is deadly, and say how it went.
var _ = helper("killed-by-filter", func(args []string) int {
	runtime.LockOSThread()
	if err := killSetsid(); err != nil {
		fmt.Println("no filter:", err)
		return 3
	}
	c := Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	r := ways[args[0]](c)
	err := r.Start()
	if err == nil {
		r.Wait()
	}
	var se *StartError
	if errors.As(err, &se) {
		fmt.Println(se.Signal == syscall.SIGSYS, se.Step, se.Field)
	}
	fmt.Println(err)
	return 0
})

// A filter, as containers have them, that kills the child on its way is
// reported with the call that it did not allow.
func TestKilledByAFilter(t *testing.T) {
	if !exists("/proc/sys/kernel/seccomp") {
		t.Skip("needs seccomp filters")
	}
	for way, want := range map[string]string{
		"sprog": "true setsid SysProcAttr.Setsid\n" +
			"sprog: start /bin/true: setsid (SysProcAttr.Setsid): killed by SIGSYS before the program was executed (a seccomp filter in force kills for setsid)\n",
		"os/exec": "<nil>\n", // as if it had been started
	} {
		c := helperCommand("killed-by-filter", way)
		if got := outputOf(t, c); got != want && !(way == "os/exec" && mended[t.Name()]) {
			t.Errorf("%s: %s; want %s", way, strings.TrimSpace(got), want)
		}
	}
}
