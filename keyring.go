package sprog

// A SessionKeyring asks for a session keyring apart from this process's, so that
// the program neither finds the keys in that nor leaves its own there. It
// belongs to the user that the program runs as. See keyrings(7) and
// KEYCTL_JOIN_SESSION_KEYRING(2const).
type SessionKeyring struct {
	// Name, if not empty, is the keyring's name. A keyring of that name which
	// the user may search is joined, whoever made it; otherwise one is made.
	// Without a name it is always a new one.
	Name string
}
