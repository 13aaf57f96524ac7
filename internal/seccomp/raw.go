package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// CheckRaw reports what is wrong with a program in the form that the kernel
// reads, as far as it can be told at a glance. The kernel checks the rest.
func CheckRaw(b []byte) error {
	n := len(b) / InsnSize
	switch {
	case n == 0:
		return errors.New("is empty")
	case len(b)%InsnSize != 0:
		return fmt.Errorf("has %d bytes, which is no multiple of 8", len(b))
	case n > MostInsns:
		return fmt.Errorf("has %d instructions; the kernel takes %d", n, MostInsns)
	}
	for i := range n {
		code, k := insnAt(b, i)
		if code == ret && Action(k).Kind() == Notify {
			return fmt.Errorf("returns SECCOMP_RET_USER_NOTIF in instruction %d, and would have no listener", i)
		}
	}
	if code, _ := insnAt(b, n-1); code&0x07 != 0x06 {
		return errors.New("does not end in a return")
	}
	return nil
}

func insnAt(b []byte, i int) (code uint16, k uint32) {
	b = b[i*InsnSize:]
	return binary.NativeEndian.Uint16(b), binary.NativeEndian.Uint32(b[4:])
}
