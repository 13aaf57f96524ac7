package waterfall

import (
	"fmt"
	"io"
	"time"
)

// HTML writes a page with the picture, and a table with all that is known of
// each step. It is one file, and refers to no other.
func (c *Chart) HTML(w io.Writer) error {
	out := &writer{w: w}
	out.printf("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	out.printf("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
	out.printf("<title>%s</title>\n<style>%s%s</style>\n</head>\n<body>\n", escape(c.Title), pageStyle, themed(pageColours))
	out.printf("<h1>%s: %s</h1>\n<p>%s. Begun at %s.</p>\n<div class=\"picture\">\n", escape(c.Title), Micro(c.Duration), escape(c.Summary()), c.Begin.Format(time.RFC3339Nano))
	if out.err == nil {
		out.err = c.SVG(w)
	}
	out.printf("</div>\n<table>\n<thead><tr><th class=\"num\">#</th><th>who</th><th>step</th><th>asked for by</th>")
	out.printf("<th class=\"num\">at</th><th class=\"num\">took</th><th class=\"num\">share</th></tr></thead>\n<tbody>\n")
	own := c.own()
	for i := range c.Rows {
		c.tableRow(out, i, own[i])
	}
	out.printf("</tbody>\n</table>\n</body>\n</html>\n")
	return out.err
}

func (c *Chart) tableRow(out *writer, i int, own time.Duration) {
	r := &c.Rows[i]
	took, share := Micro(r.Duration), ""
	if c.Duration > 0 && !r.Waits {
		share = fmt.Sprintf("%.1f&thinsp;%%", c.share(own))
	}
	if r.Joined {
		took, share = "with the step before", ""
	}
	wrong := ""
	if r.Error != "" {
		wrong = `<br><span class="error">` + escape(r.Error) + `</span>`
	}
	out.printf(`<tr><td class="num">%d</td><td>%s</td><td class="call">%s%s</td><td class="for">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td></tr>`+"\n",
		i+1, escape(r.Lane), escape(r.text()), wrong, escape(r.Field), Micro(r.Start), took, share)
}
