//go:build linux

//go:generate go run . -draw -docs ../../docs

package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// A palette has the colours of a picture.
type palette struct{ back, frame, text, prompt string }

var (
	light = palette{"#ffffff", "#d0d7de", "#1f2328", "#116329"}
	dark  = palette{"#0d1117", "#30363d", "#e6edf3", "#7ee787"}
)

// A span is text in one line that appears at one time.
type span struct {
	at        float64
	row, from int
	text      string
	style     string
}

const (
	lineHeight = 20.0
	charWidth  = 8.43 // of a monospaced font of 14 pixels
	margin     = 16.0
	rest       = 5.0 // seconds until it begins again
)

// picture draws the recording: all of its text, each piece of which appears when it did. Where nothing
// may move, all is there from the beginning.
func picture(events []event, colours palette) []byte {
	spans := spansOf(events)
	end := events[len(events)-1].at + rest
	height := 0.0
	for _, s := range spans {
		height = max(height, float64(s.row+1)*lineHeight)
	}
	out, moves := new(strings.Builder), new(strings.Builder)
	for i, s := range spans {
		fmt.Fprintf(moves, "@keyframes k%d{0%%{opacity:0}%.3f%%{opacity:1}}", i, 100*s.at/end)
		fmt.Fprintf(moves, ".k%d{animation-name:k%d}\n", i, i)
		fmt.Fprintf(out, `<text class="t k%d %s" x="%.1f" y="%.1f" textLength="%.1f">%s</text>`+"\n", i, s.style,
			margin+float64(s.from)*charWidth, margin+float64(s.row)*lineHeight+14, charWidth*float64(len([]rune(s.text))), escape(s.text))
	}
	width := 2*margin + columns*charWidth
	height += 2 * margin
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">
<style>
.t{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre;fill:%s}
.p{fill:%s}.b{font-weight:bold}
@media (prefers-reduced-motion:no-preference){.t{animation:%.2fs step-end infinite}
%s}
</style>
<rect x=".5" y=".5" width="%.0f" height="%.0f" rx="8" fill="%s" stroke="%s"/>
%s</svg>
`, width, height, width, height, colours.text, colours.prompt, end, moves, width-1, height-1, colours.back, colours.frame, out)
}

func escape(text string) string {
	b := new(strings.Builder)
	xml.EscapeText(b, []byte(text))
	return b.String()
}

// spansOf follows the terminal: a program prints lines, and colours by escape sequences. What is
// typed in a short time is one piece.
func spansOf(events []event) (spans []span) {
	row, column, style := 0, 0, ""
	for _, e := range events {
		text := e.text
		for text != "" {
			if sequence, after, ok := control(text); ok {
				style, text = styled(style, sequence), after
				continue
			}
			switch text[0] {
			case '\r':
				column, text = 0, text[1:]
				continue
			case '\n':
				row, text = row+1, text[1:]
				continue
			}
			n := strings.IndexAny(text, "\r\n\x1b")
			if n < 0 {
				n = len(text)
			}
			spans = put(spans, span{e.at, row, column, text[:n], style})
			column, text = column+len([]rune(text[:n])), text[n:]
		}
	}
	return spans
}

// put adds a piece, or makes it part of the one before it.
func put(spans []span, s span) []span {
	if len(spans) > 0 {
		last := &spans[len(spans)-1]
		if last.row == s.row && last.style == s.style && s.at-last.at < 0.12 && last.from+len([]rune(last.text)) == s.from {
			last.text += s.text
			return spans
		}
	}
	return append(spans, s)
}

// control cuts an escape sequence from the beginning.
func control(text string) (sequence, after string, ok bool) {
	if !strings.HasPrefix(text, "\x1b[") {
		return "", text, false
	}
	end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	if end < 0 {
		return "", "", true
	}
	return text[2 : 2+end+1], text[2+end+1:], true
}

func styled(style, sequence string) string {
	switch sequence {
	case "0m", "m":
		return ""
	case "1m":
		return "b"
	case "32m":
		return "p"
	}
	return style
}
