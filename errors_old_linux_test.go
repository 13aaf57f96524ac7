//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/kernel"

// onOlder is what is said on kernels older than a version, by what was asked for: the oldest first. They lack
// calls whose names are in the text, or do not say what they have against an option.
var onOlder = []struct {
	major, minor int
	said         map[string]string
}{
	{6, 8, map[string]string{
		"An overlay of what does not exist":      `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): no such file or directory (/no does not exist)`,
		"An overlay of a file":                   `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): invalid argument (/tmp/x/file is a regular file, no directory)`,
		"An overlay of another that has no work": `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): no such file or directory (/tmp/x/no-work does not exist)`,
	}},
}

// wanted is what this package says on this kernel.
func (f *failing) wanted() string {
	for _, k := range onOlder {
		if said, ok := k.said[f.asked]; ok && kernel.OlderThan(k.major, k.minor) {
			return said
		}
	}
	return f.want
}
