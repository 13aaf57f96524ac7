//go:build amd64 || arm64

package spec

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/listing"
)

// Secure bits, as prctl(2) has them.
const (
	AllSecurebits = 1<<12 - 1
	KeepCapsBit   = 1 << 4
	execBits      = 0xf00 // those about scripts, which take no privileges since Linux 6.14
)

// Unprivileged reports whether secure bits change only as anybody may.
func (e Edit) Unprivileged() bool { return (e.Clear|e.Set)&AllSecurebits&^execBits == 0 }

func (r *Start) checkSecurebits() *Error {
	s := r.Attr.Securebits
	if s == nil {
		return nil
	}
	var dropped, added uint64
	var err *Error
	if r.Secure.Clear, dropped, err = SecureBits("Attr.Securebits.Drop", s.Drop); err != nil {
		return err
	}
	if r.Secure.Set, added, err = SecureBits("Attr.Securebits.Add", s.Add); err != nil {
		return err
	}
	if both := dropped & added; both != 0 {
		return Invalid("Attr.Securebits", listing.SecurebitNames(both), "is both added and dropped")
	}
	return nil
}

// SecureBits turns names into bits: all of them, and those named one by one.
func SecureBits(field string, names []string) (set, named uint64, err *Error) {
	for i, name := range names {
		if name == "all" {
			set |= AllSecurebits
			continue
		}
		bit, ok := listing.Securebit(name)
		if !ok {
			return 0, 0, Invalid(Index(field, i), strconv.Quote(name), "is no secure-bits flag")
		}
		named |= bit
	}
	return set | named, named, nil
}
