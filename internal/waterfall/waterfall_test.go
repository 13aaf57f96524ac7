package waterfall

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite the files in testdata from what the package does now")

// sample has a row of each kind.
func sample() *Chart {
	us := func(n float64) time.Duration { return time.Duration(n * 1e3) }
	return &Chart{
		Title: "start of /bin/app", Begin: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC), Duration: us(400),
		Rows: []Row{
			{Lane: "parent", Name: "compile the program", Text: "compile the program", Start: 0, Duration: us(20.5), Runs: 1},
			{Lane: "parent", Name: "clone3", Text: "clone3({flags=CLONE_VM|CLONE_FILES|CLONE_PIDFD|CLONE_CHILD_CLEARTID|CLONE_CLEAR_SIGHAND, exit_signal=SIGCHLD}, 88)",
				Start: us(20.5), Duration: us(60), Runs: 1},
			{Lane: "child", Name: "umask", Text: "umask(027)", Field: "Attr.Umask", Start: us(90), Duration: us(0.3), Runs: 1},
			{Lane: "child", Name: "prctl", Text: "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0)", Start: us(90.3), Duration: us(40), Runs: 41},
			{Lane: "init", Name: "clone", Text: "clone(CLONE_VM|CLONE_VFORK|SIGCHLD)", Field: "Attr.Init", Start: us(130.3), Duration: us(30), Runs: 1},
			{Lane: "program", Name: "seccomp", Text: "seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=12})", Field: "Attr.Seccomp", Start: us(160.3), Duration: us(39), Runs: 1},
			{Lane: "program", Name: "execve", Text: `execve("/bin/app", ["app", "<a href='x'>&\x1b[31m\u202e"], [/* 2 vars */])`,
				Start: us(199.3), Runs: 1, Joined: true, Error: "no such file or directory"},
			{Lane: "parent", Name: "wait", Text: "wait for the child to execute", Start: us(80.5), Duration: us(310), Runs: 1, Waits: true},
		},
	}
}

// golden compares what is written with a file in testdata, or rewrites it.
func golden(t *testing.T, name string, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, out.Bytes(), want)
	}
	return out.Bytes()
}

func TestText(t *testing.T) {
	golden(t, "sample.txt", func(w io.Writer) error { return sample().Text(w, 100) })
}

// No line is wider than asked for, down to what is the least.
func TestTextFits(t *testing.T) {
	for columns := 0; columns < 300; columns++ {
		var out strings.Builder
		if err := sample().Text(&out, columns); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > max(columns, narrowest) {
				t.Fatalf("with %d columns, a line has %d: %q", columns, n, line)
			}
		}
	}
}

// A bar begins and ends where the step did, to an eighth of a column.
func TestDrawBar(t *testing.T) {
	for _, test := range []struct {
		start, took, all time.Duration
		columns          int
		waits            bool
		want             string
	}{
		{0, 80, 80, 10, false, "██████████"},
		{0, 4, 80, 10, false, "▌"},
		{40, 41, 81, 10, false, "     █████"},
		{79, 0, 80, 10, false, "         ▉"},
		{8, 0, 80, 10, false, " ▏"},
		{0, 100, 80, 10, false, "██████████"},
		{200, 10, 80, 10, false, "         █"},
		{0, 1, 80, 10, true, "░"},
		{8, 16, 80, 10, true, " ░░"},
		{-8, 4, 80, 10, false, "▏"},
		{1 << 62, 1 << 62, 80, 10, false, "         █"},
		{0, 0, 0, 10, false, ""},
	} {
		if got := drawBar(test.start, test.took, test.all, test.columns, test.waits); got != test.want {
			t.Errorf("drawBar(%d, %d, %d, %d, %v) = %q; want %q", test.start, test.took, test.all, test.columns, test.waits, got, test.want)
		}
	}
}

func TestJSON(t *testing.T) {
	out := golden(t, "sample.json", sample().JSON)
	var got struct {
		TraceEvents []struct {
			Name, Ph string
			TS, Dur  float64
			Pid, Tid int
			Args     map[string]any
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	threads, steps := map[int]string{}, 0
	for _, e := range got.TraceEvents {
		switch {
		case e.Ph == "M" && e.Name == "thread_name":
			threads[e.Tid] = e.Args["name"].(string)
		case e.Ph == "X":
			want := sample().Rows[steps]
			steps++
			if e.Name != want.Name || threads[e.Tid] != want.Lane || e.TS != micros(want.Start) || e.Dur != micros(want.Duration) || e.Args["call"] != want.Text {
				t.Errorf("event %+v; want %+v", e, want)
			}
		}
	}
	if steps != len(sample().Rows) {
		t.Errorf("%d complete events; want %d", steps, len(sample().Rows))
	}
}

// The picture is well-formed, whatever the texts are, and so is that of nothing.
func TestSVG(t *testing.T) {
	out := golden(t, "sample.svg", sample().SVG)
	wellFormed(t, out)
	for _, c := range []*Chart{{}, {Rows: make([]Row, 2)}, {Duration: 1, Rows: []Row{{Text: "\x00\xff]]>", Duration: 5}}}, {Duration: time.Hour}} {
		var out bytes.Buffer
		if err := errors.Join(c.SVG(&out), c.Text(io.Discard, 80), c.JSON(io.Discard), c.HTML(io.Discard)); err != nil {
			t.Error(err)
		}
		wellFormed(t, out.Bytes())
	}
}

func wellFormed(t *testing.T, doc []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(doc))
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Errorf("%v in\n%s", err, doc)
			return
		}
	}
}

// The page refers to nothing outside of itself, runs nothing, and has no markup
// from the texts.
func TestHTML(t *testing.T) {
	page := string(golden(t, "sample.html", sample().HTML))
	page = strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
	if found := regexp.MustCompile(`(?i)https?:|//|<script|<a |src=|href=["a-z]|url\(|@import|\x1b|\x{202e}`).FindString(page); found != "" {
		t.Errorf("the page has %q", found)
	}
}

func TestTick(t *testing.T) {
	for all, want := range map[time.Duration]time.Duration{
		0: 0, 1: 1, 5: 1, 8: 1, 9: 2, 400e3: 50e3, 401e3: 100e3, 900e3: 200e3, time.Hour: 500e9,
	} {
		if got := tick(all); got != want {
			t.Errorf("tick(%d) = %d; want %d", all, got, want)
		}
	}
}

// An error of the writer ends the drawing and is returned.
func TestWriteErrors(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return sample().Text(w, 80) }, "JSON": sample().JSON, "SVG": sample().SVG, "HTML": sample().HTML,
	} {
		for room := range 5 {
			if err := write(&full{room * 150}); err != errFull {
				t.Errorf("%s with room for %d: %v; want %v", name, room*150, err, errFull)
			}
		}
	}
}

var errFull = errors.New("full")

// A full writer takes so many bytes.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// Shares add up: each moment is counted for one row, the one that began last.
func TestOwnTime(t *testing.T) {
	c := &Chart{Duration: 100, Rows: []Row{
		{Name: "clone", Start: 10, Duration: 70}, {Name: "a", Start: 20, Duration: 10}, {Name: "b", Start: 25, Duration: 30},
		{Name: "late", Start: 60, Duration: 90}, {Name: "wait", Start: 0, Duration: 100, Waits: true},
	}}
	if got, want := c.own(), []time.Duration{15, 5, 30, 40, 0}; !slices.Equal(got, want) {
		t.Errorf("own = %v; want %v", got, want)
	}
	want := " took 0.1 µs; most of it: late 0.0 µs (40%), b 0.0 µs (30%), clone 0.0 µs (15%). While several steps run, the time is counted for the one that began last"
	if got := c.Summary(); got != want {
		t.Errorf("the summary is %q; want %q", got, want)
	}
	for _, c := range []*Chart{sample(), {}, {Duration: 5, Rows: make([]Row, 3)}} {
		sum := time.Duration(0)
		for _, own := range c.own() {
			sum += own
		}
		if sum > c.Duration {
			t.Errorf("the shares of %q are %v of %v", c.Title, sum, c.Duration)
		}
	}
}
