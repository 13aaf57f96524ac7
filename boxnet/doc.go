// Package boxnet gives a program that sprog starts a network of its own, from which it
// reaches the hosts and ports that you name, and nothing else.
//
// The program is in a network namespace that has no device but lo, so no packet can leave it,
// whatever the program does to it. Names resolve inside: this process answers the questions.
// An allowed name gets an address of 198.18.0.0/15 that stands for it alone. The
// program connects to that address, its connection ends at this process, and this process
// resolves the name, checks the address, dials it from the host's network, and copies. The program needs no
// proxy, no variable and no changed file, and you need no rights, no helper
// and no device.
//
//	network, err := boxnet.New(boxnet.Policy{Allow: []boxnet.Rule{rule}})
//	...
//	defer network.Close()
//	if err := network.Attach(cmd); err != nil { ... }
//	err = cmd.Run()
//
// An allow list says where data goes, not which data: a program can send what it has read to
// any name that you allow, and a server that stands for many customers can pass it on.
//
// While a name is in use, the program cannot listen at 0.0.0.0 with a port that the name's
// rule allows; other addresses of its own are free. A connection to an allowed name is accepted before this
// process dials, so a host that refuses it looks like one that resets it.
package boxnet
