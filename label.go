package sprog

// An ExecLabel is what Linux security modules are to confine the program by: the
// label that it has from its execve on. A module that the kernel does not run is
// an error, as is a label that the module does not know.
//
// With Attr.NoNewPrivs both modules refuse labels that could allow more than the
// present one. With [Init] the program has the label, and the init keeps that of
// this process.
type ExecLabel struct {
	// SELinux, if not empty, is a security context, such as
	// "system_u:system_r:httpd_t:s0".
	SELinux string
	// AppArmor, if not empty, is the name of a loaded profile. Linux 5.8.
	AppArmor string
}
