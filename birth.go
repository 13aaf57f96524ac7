package sprog

// A Birth tells what a start has made and applied. Each field belongs to the
// attribute of its name, and is zero without that.
type Birth struct {
}
