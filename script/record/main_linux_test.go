package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/guide"
)

// The recording shows what its document says, and nothing in the picture is cut off.
func TestRecordingIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/recording.cast")
	if err != nil {
		t.Fatal(err)
	}
	events, err := readCast(text)
	if err != nil {
		t.Fatal(err)
	}
	shown := make([]string, rows+1)
	for _, s := range spansOf(events) {
		if s.row >= rows || s.from+len([]rune(s.text)) > columns {
			t.Fatalf("row %d, column %d: %q is outside of the picture", s.row, s.from, s.text)
		}
		shown[s.row] += s.text
	}
	blocks, err := guide.Read("../../docs/recording.md")
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	if got := strings.TrimSpace(strings.Join(shown, "\n")); got != strings.TrimSpace(blocks[0].Text) {
		t.Errorf("the recording shows\n%s\ninstead of\n%s", got, blocks[0].Text)
	}
}
