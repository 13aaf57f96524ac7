//go:build amd64 || arm64

package compile

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/spec"
)

// oomScoreAdj writes the value. The kernel gives it to every process that
// shares the memory.
func (b *builder) oomScoreAdj() {
	if b.ask.Attr.OOMScoreAdj == nil {
		return
	}
	b.writeProc(spec.OOMField, "self/oom_score_adj", strconv.Itoa(*b.ask.Attr.OOMScoreAdj))
}
