//go:build amd64 || arm64

package launch

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

const possibleCPUs = "/sys/devices/system/cpu/possible"

// lookForCPUs refuses CPUs that this machine cannot have: the kernel ignores
// them as long as it knows another one of the list.
func (s *attempt) lookForCPUs() *spec.Error {
	if s.ask.Attr.CPUs == nil {
		return nil
	}
	text, _ := kernel.Read(possibleCPUs)
	possible, err := spec.ParseCPUList(strings.TrimSpace(text))
	if err != nil {
		return nil // without sysfs the kernel has the word
	}
	for i, n := range s.ask.Attr.CPUs {
		if !slices.Contains(possible, n) {
			e := spec.Invalid(spec.Index("Attr.CPUs", i), strconv.Itoa(n), "this machine has CPUs "+terms.Plain(spec.FormatCPUList(possible)))
			e.Path = s.ask.Path
			return e
		}
	}
	return nil
}
