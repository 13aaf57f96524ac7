//go:build amd64 || arm64

package spec

import (
	"strconv"
	"strings"
)

const (
	JoinSessionKeyring = 1    // KEYCTL_JOIN_SESSION_KEYRING
	longestKeyringName = 4095 // KEY_MAX_DESC_SIZE with the NUL
)

func (r *Start) checkKeyring() *Error {
	k := r.Attr.SessionKeyring
	switch {
	case k == nil:
	case strings.IndexByte(k.Name, 0) >= 0:
		return Invalid("Attr.SessionKeyring", strconv.Quote(k.Name), "contains a NUL byte")
	case strings.HasPrefix(k.Name, "."):
		return Invalid("Attr.SessionKeyring", strconv.Quote(k.Name), "is a name of the kernel's: it begins with a dot")
	case len(k.Name) > longestKeyringName:
		return Invalid("Attr.SessionKeyring", "a name of "+Itoa(len(k.Name))+" bytes", "is longer than the kernel takes, 4095")
	}
	return nil
}
