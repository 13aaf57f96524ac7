//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

func (b *builder) timerSlack() {
	if b.ask.Attr.TimerSlack > 0 {
		b.add("Attr.TimerSlack", program.Prctl, num(unix.PR_SET_TIMERSLACK), num(b.ask.Attr.TimerSlack))
	}
}
