package terms

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable quotes what would not show as it is.
func Printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}
