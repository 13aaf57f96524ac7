// Package verified has every start verified that the process compiles, and
// panics where one is not as it has to be. Tests import it for this effect; the
// library does not.
package verified

import (
	"fmt"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

func init() {
	program.Compiled = func(s *program.Start) {
		problems := s.Verify()
		if len(problems) == 0 {
			return
		}
		var text strings.Builder
		for _, p := range problems {
			fmt.Fprintln(&text, p)
		}
		panic("a start is compiled wrong:\n" + text.String() + s.String())
	}
}
