//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

const (
	joinSessionKeyring = 1    // KEYCTL_JOIN_SESSION_KEYRING
	longestKeyringName = 4095 // KEY_MAX_DESC_SIZE with the NUL
)

func (r *request) checkKeyring() *StartError {
	k := r.attr.SessionKeyring
	switch {
	case k == nil:
	case strings.IndexByte(k.Name, 0) >= 0:
		return invalidf("Attr.SessionKeyring", strconv.Quote(k.Name), "contains a NUL byte")
	case strings.HasPrefix(k.Name, "."):
		return invalidf("Attr.SessionKeyring", strconv.Quote(k.Name), "is a name of the kernel's: it begins with a dot")
	case len(k.Name) > longestKeyringName:
		return invalidf("Attr.SessionKeyring", "a name of "+itoa(len(k.Name))+" bytes", "is longer than the kernel takes, 4095")
	}
	return nil
}

func (b *builder) sessionKeyring() {
	k := b.ask.attr.SessionKeyring
	if k == nil {
		return
	}
	name := num(0)
	if k.Name != "" {
		name = b.p.Str(k.Name)
	}
	b.add("Attr.SessionKeyring", program.Keyctl, num(joinSessionKeyring), name)
}
