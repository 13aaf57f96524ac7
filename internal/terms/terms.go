// Package terms has the package's errors speak of what its user knows: Go
// programs know fields, and the command's users flags. An error that is made in
// a child, by the steps of an Exec, can be translated by nobody afterwards, so
// the translation is asked for where the text is made. That takes a variable; the
// command sets it, once, before it starts anything.
package terms

// Translate turns the names of fields in a text into what they are called. Nil
// leaves them.
var Translate func(text string) string

// Of is the text in the user's terms.
func Of(text string) string {
	if Translate == nil {
		return text
	}
	return Translate(text)
}
