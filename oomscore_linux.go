//go:build amd64 || arm64

package sprog

import "strconv"

const oomField = "Attr.OOMScoreAdj"

func (r *request) checkOOMScoreAdj() *StartError {
	if n := r.attr.OOMScoreAdj; n != nil && (*n < -1000 || *n > 1000) {
		return invalidf(oomField, strconv.Itoa(*n), "is not from -1000 to 1000")
	}
	return nil
}

// oomScoreAdj writes the value. The kernel gives it to every process that
// shares the memory.
func (b *builder) oomScoreAdj() {
	if b.ask.attr.OOMScoreAdj == nil {
		return
	}
	b.writeProc(oomField, "self/oom_score_adj", strconv.Itoa(*b.ask.attr.OOMScoreAdj))
}
