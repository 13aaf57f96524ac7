package launch

// The parent's steps that others speak of.
const (
	ByParent = "parent"
	callOpen = "open"
	callLink = "link"
	CallWait = "wait"
)
