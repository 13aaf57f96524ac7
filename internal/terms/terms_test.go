package terms

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

// loud are words that show what they are asked for.
func loud(r Reference) string { return "<" + r.Field + "=" + r.Value + ">" }

func TestTexts(t *testing.T) {
	for text, want := range map[Text][2]string{
		"":                          {"", ""},
		"nothing to refer to":       {"nothing to refer to", "nothing to refer to"},
		"needs {Attr.Umask}.":       {"needs Attr.Umask.", "needs <Attr.Umask=>."},
		"{Ctty|SysProcAttr.Ctty} x": {"Ctty x", "<SysProcAttr.Ctty=> x"},
		"{Attr.Nice: 5}{Dir}":       {"Attr.Nice: 5Dir", "<Attr.Nice=5><Dir=>"},
		"{5 in Nice|Attr.Nice: 5}":  {"5 in Nice", "<Attr.Nice=5>"},
		"{{Attr.Umask} } {":         {"{Attr.Umask} } {", "{Attr.Umask} } {"},
		Field("Attr.Files[3]"):      {"Attr.Files[3]", "<Attr.Files[3]=>"},
		Ref("Ctty", "Attr.Ctty"):    {"Ctty", "<Attr.Ctty=>"},
	} {
		if got := [2]string{text.String(), text.In(loud)}; got != want {
			t.Errorf("%q is %q; want %q", text, got, want)
		}
	}
}

// What comes from outside refers to nothing, whatever it is called.
func TestPlainRefersToNothing(t *testing.T) {
	const path = "/tmp/{Attr.Umask}/{{}}{|}"
	for _, text := range []Text{
		Plain(path), Sprintf("%s", path), Of(errors.New(path)), Of(&fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}),
		Sprintf("%s and %s", Plain(path), fmt.Errorf("open %s: %w", path, syscall.ENOENT)),
	} {
		text.Walk(func(string) {}, func(r Reference) { t.Errorf("%q refers to %v", text, r) })
		if text.String() != text.In(loud) {
			t.Errorf("%q is %q in other words", text.String(), text.In(loud))
		}
	}
	if got := Plain(path).String(); got != path {
		t.Errorf("Plain(%q) is %q", path, got)
	}
}

// An error keeps its references where others wrap it.
func TestTextsOfErrors(t *testing.T) {
	inner := Message{Text: "needs {Attr.Umask}", Err: syscall.EINVAL}
	for _, test := range []struct {
		err  error
		want string
	}{
		{inner, "needs <Attr.Umask=>"},
		{fmt.Errorf("--x {Dir}: %w, you see", inner), "--x {Dir}: needs <Attr.Umask=>, you see"},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", inner)), "a: b: needs <Attr.Umask=>"},
		{errors.Join(inner, inner), "needs <Attr.Umask=>\nneeds <Attr.Umask=>"},
		{fmt.Errorf("%w after %w", inner, syscall.ENOENT), "needs <Attr.Umask=> after no such file or directory"},
	} {
		if got := Of(test.err).In(loud); got != test.want {
			t.Errorf("%q is said as %q; want %q", test.err, got, test.want)
		}
		if got := Of(test.err).String(); got != test.err.Error() {
			t.Errorf("the text of %q is %q", test.err, got)
		}
	}
	if !errors.Is(fmt.Errorf("x: %w", inner), syscall.EINVAL) {
		t.Error("a message is not the error that it wraps")
	}
}

func TestWordsOfAContext(t *testing.T) {
	var none context.Context // of a command that was made without one
	if From(none) != nil || From(context.Background()) != nil {
		t.Error("a context without words has some")
	}
	if got := Text("{Dir}").In(From(With(context.Background(), loud))); got != "<Dir=>" {
		t.Errorf("the words of a context say %q", got)
	}
}
