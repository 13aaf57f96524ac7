//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/program"
)

func (r *request) checkUmask() *StartError {
	if m := r.attr.Umask; m != nil && *m > 0o777 {
		return invalidf("Attr.Umask", "0"+strconv.FormatUint(uint64(*m), 8), "has more than permission bits")
	}
	return nil
}

func (b *builder) umask() {
	if b.ask.attr.Umask != nil {
		b.add("Attr.Umask", program.Umask, num(*b.ask.attr.Umask))
	}
}
