package waterfall

import "strings"

// A theme has the colours of the picture and of the page. Those of the lanes
// can be told apart by people who see few colours.
var (
	light = []string{
		"@paper", "#ffffff", "@ink", "#1f2328", "@faint", "#656d76", "@line", "#d8dee4", "@hover", "#f0f3f6", "@wrong", "#cf222e",
		"@parent", "#8c959f", "@child", "#0969da", "@init", "#bf8700", "@program", "#1a7f37", "@other", "#8250df",
	}
	dark = []string{
		"@paper", "#0d1117", "@ink", "#e6edf3", "@faint", "#8d96a0", "@line", "#30363d", "@hover", "#1c2128", "@wrong", "#ff7b72",
		"@parent", "#8d96a0", "@child", "#58a6ff", "@init", "#e3b341", "@program", "#56d364", "@other", "#bc8cff",
	}
)

// themed has rules with colours by name for both themes. They become plain
// values: not everything that draws pictures knows variables.
func themed(rules string) string {
	return strings.NewReplacer(light...).Replace(rules) +
		"@media (prefers-color-scheme: dark) {" + strings.NewReplacer(dark...).Replace(rules) + "}\n"
}

const pictureColours = `
.paper { fill: @paper; } text { fill: @ink; } text.faint, text.tick { fill: @faint; } text.wrong { fill: @wrong; }
.grid { stroke: @line; } .row:hover .hover { fill: @hover; }
.lane-parent { fill: @parent; } .lane-child { fill: @child; } .lane-init { fill: @init; } .lane-program { fill: @program; }
.lane-other { fill: @other; } .failed { fill: @wrong; }
`

const pictureStyle = `
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
text.title { font-size: 16px; font-weight: 600; }
text.tick { text-anchor: middle; font-size: 11px; }
text.mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 11.5px; }
text.took { text-anchor: end; font-variant-numeric: tabular-nums; }
.hover { fill: none; pointer-events: all; }
.waits { fill-opacity: .3; }
`

const pageColours = `
body { background: @paper; color: @ink; } th { color: @faint; } th, td { border-bottom: 1px solid @line; }
tr:hover td { background: @hover; } .error { color: @wrong; }
`

const pageStyle = `
:root { color-scheme: light dark; }
body { margin: 2rem auto; padding: 0 1rem; max-width: 1240px; font: 14px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
p { margin: .2rem 0 1.2rem; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }
div { overflow-x: auto; }
@media (max-width: 60rem) { svg { width: 60rem; } }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; }
th, td { text-align: left; padding: .25rem .6rem; vertical-align: top; }
th { font-weight: 600; white-space: nowrap; }
td.call { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; overflow-wrap: anywhere; }
th.num, td.num { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 45rem) {
body { margin: 1rem auto; padding: 0 .6rem; }
thead { display: none; }
tr { display: grid; grid-template-columns: 2.2rem 4.5rem 1fr auto auto; padding: .3rem 0; }
td { border-bottom: none; padding: 0 .3rem; }
td.call { grid-column: 1 / -1; grid-row: 2; }
td.for { grid-column: 3; }
td:nth-child(5) { display: none; }
tr { border-bottom: 1px solid #8883; }
}
`
