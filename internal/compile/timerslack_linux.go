//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

func (b *builder) timerSlack() {
	if b.ask.Attr.TimerSlack > 0 {
		b.add("Attr.TimerSlack", program.Prctl, Num(unix.PR_SET_TIMERSLACK), Num(b.ask.Attr.TimerSlack))
	}
}
