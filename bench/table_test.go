package main

import "testing"

func exampleTable() *table {
	t := &table{Head: []string{"", "p50", "starts/s"}}
	t.add("sprog", "72.3 µs", "9\u202f000")
	t.add("os/exec", "140 µs") // a cell is missing
	return t
}

func TestTableText(t *testing.T) {
	want := "" +
		"               p50  starts/s\n" +
		"  -------  -------  --------\n" +
		"  sprog    72.3 µs     9\u202f000\n" +
		"  os/exec   140 µs\n"
	if got := exampleTable().text(); got != want {
		t.Errorf("text:\n%s\nwant:\n%s", got, want)
	}
}

func TestTableMarkdown(t *testing.T) {
	want := "" +
		"|         |     p50 | starts/s |\n" +
		"| ------- | ------: | -------: |\n" +
		"| sprog   | 72.3 µs |    9\u202f000 |\n" +
		"| os/exec |  140 µs |          |\n"
	if got := exampleTable().markdown(); got != want {
		t.Errorf("markdown:\n%s\nwant:\n%s", got, want)
	}
}
