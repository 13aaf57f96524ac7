//go:build linux

// Command record makes the recording that README shows: it runs the commands of docs/recording.md in a
// terminal and writes docs/recording.cast. With -draw it runs nothing and draws the
// pictures from that file.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/guide"
)

const columns, rows = 92, 24

func main() {
	draw := flag.Bool("draw", false, "draw the recording that is there")
	docs := flag.String("docs", "docs", "the directory of the documents")
	flag.Parse()
	if err := run(*docs, *draw); err != nil {
		log.Fatal(err)
	}
}

func run(docs string, drawOnly bool) error {
	cast := filepath.Join(docs, "recording.cast")
	if !drawOnly {
		text, err := record(filepath.Join(docs, "recording.md"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(cast, text, 0o644); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(cast)
	if err != nil {
		return err
	}
	events, err := readCast(text)
	for name, colours := range map[string]palette{"recording.svg": light, "recording-dark.svg": dark} {
		if err == nil {
			err = os.WriteFile(filepath.Join(docs, name), picture(events, colours), 0o644)
		}
	}
	return err
}

// An event is what has appeared in the terminal, and when.
type event struct {
	at   float64
	text string
}

// record runs the commands of the only console in a document.
func record(document string) ([]byte, error) {
	blocks, err := guide.Read(document)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "record-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	place := &guide.Place{Dir: home}
	terminal := sprog.Command("bash", "--norc", "--noprofile", "-c", typed(&blocks[0]))
	terminal.Dir, terminal.Env = home, place.Environ()
	pty, err := terminal.StartPTY(sprog.WindowSize{Rows: rows, Cols: columns})
	if err != nil {
		return nil, err
	}
	defer pty.Close()
	out, err := listen(pty, home)
	terminal.Wait()
	return out, err
}

// typed is a script that shows each command as if somebody typed it, and runs it.
func typed(b *guide.Block) string {
	script := new(strings.Builder)
	script.WriteString("" + b.Setup)
	script.WriteString("type() { printf '\\e[32m$\\e[0m '; sleep .6; for ((i = 0; i < ${#1}; i++)); do printf '\\e[1m%s\\e[0m' \"${1:i:1}\"; sleep .03; done; sleep .3; echo; }\n")
	for _, c := range b.Commands() {
		line := strings.TrimSpace(c.Text)
		fmt.Fprintf(script, "s=$?; type '%s'; (exit $s)\n%s\n", strings.ReplaceAll(line, "'", `'\''`), line)
	}
	return script.String() + "sleep .5"
}

// listen notes what appears in the terminal until its last program has ended.
func listen(terminal io.Reader, home string) ([]byte, error) {
	out := new(bytes.Buffer)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(map[string]any{"version": 2, "width": columns, "height": rows})
	began, buffer := time.Now(), make([]byte, 4096)
	for {
		n, readErr := terminal.Read(buffer)
		if n > 0 && err == nil {
			at := float64(time.Since(began).Milliseconds()) / 1000
			err = encoder.Encode([]any{at, "o", strings.ReplaceAll(string(buffer[:n]), home, guide.Home)})
		}
		if readErr != nil || err != nil {
			return out.Bytes(), err // EIO is the end of a terminal
		}
	}
}

func readCast(text []byte) (events []event, err error) {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, line := range lines[1:] {
		var fields [3]any
		if err := json.Unmarshal(line, &fields); err != nil {
			return nil, err
		}
		at, _ := fields[0].(float64)
		out, _ := fields[2].(string)
		events = append(events, event{at, out})
	}
	return events, nil
}
