//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"os"
)

// plansOfTables are about Attr.Files and its kin; a is the parent's 100, b its
// 101.
func plansOfTables(a, b *os.File) []planCase {
	return []planCase{
		{"files", by(&Attr{Files: []File{
			{FD: 9, File: a}, {FD: 4, Path: "/etc/passwd"}, {FD: 3, Path: "log", Flags: os.O_WRONLY | os.O_CREATE | os.O_APPEND, Mode: 0o640},
			{FD: 6, Dup: new(9)}, {FD: 7, Dup: new(4)}, {FD: 1, Closed: true}, {FD: 2, File: b},
		}})},
		{"files-data", by(&Attr{Files: []File{{FD: 0, Data: []byte("a line\n")}, {FD: 5, Data: bytes.Repeat([]byte("x"), 100)}}})},
		{"files-cycle", by(&Attr{Files: []File{{FD: 0, File: os.Stdout}, {FD: 1, File: os.Stdin}, {FD: 5, File: os.Stdout}}})},
		{"files-sparse", by(&Attr{Files: []File{{FD: 1000, File: a}, {FD: 50, File: b}}})},
		{"files-stderr-to-stdout", func(c *Cmd) {
			c.Stdout, c.Attr = new(bytes.Buffer), &Attr{Files: []File{{FD: 2, Dup: new(1)}}}
		}},
		{"inherit", by(&Attr{Inherit: []int{100, 2}})},
		{"program-file", by(&Attr{Program: a})},
		{"program-file-kept", by(&Attr{Program: a, Files: []File{{FD: 3, File: a}}})},
		{"program-file-init", by(&Attr{Program: a, Init: &Init{}})},
		{"dir-file", by(&Attr{DirFile: a})},
	}
}
