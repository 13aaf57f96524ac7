//go:build linux

// Command snippets runs what strangers send it over HTTP, each in a sandbox of its own that is
// there already. docs/snippets.md explains it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

var (
	listen    = flag.String("listen", "127.0.0.1:8080", "the `address` to listen on")
	warm      = flag.Int("warm", 2*runtime.NumCPU(), "how many sandboxes wait for each language; 0 makes each when it is needed")
	running   = flag.Int("running", 2*runtime.NumCPU(), "how many snippets run at once")
	queue     = flag.Int("queue", 64, "how many more wait for their turn; others are turned away")
	timeout   = flag.Duration("timeout", 5*time.Second, "how long a snippet may run")
	cpu       = flag.Duration("cpu", 2*time.Second, "the CPU time that it and its descendants may use together")
	memory    = flag.Uint64("memory", 128<<20, "bytes of memory: of all together in a cgroup, of each process otherwise")
	processes = flag.Uint64("processes", 16, "how many processes and threads it may have")
	disk      = flag.Int64("disk", 16<<20, "bytes of its files, which are in memory")
	output    = flag.Int64("output", 64<<10, "bytes that it may write to both streams together")
	cgroup    = flag.Bool("cgroup", true, "limit all its processes together, in a cgroup")
	user      = flag.Int("user", 65534, "the user and group that it runs as, if this is root")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("snippets: ")
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if *running < 1 || *queue < 0 || *warm < 0 {
		return fmt.Errorf("-running has to be at least 1, and -queue and -warm not negative")
	}
	s := &service{
		languages: map[string]*sprog.Prepared{},
		admitted:  make(chan struct{}, *running+*queue),
		running:   make(chan struct{}, *running),
	}
	defer s.close() // ends the sandboxes that wait
	if err := s.prepare(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	log.Printf("listening on %s", listener.Addr())
	return serve(listener, s.handler())
}

// serve answers until a signal comes. It takes no more requests then, and gives those that there are the time that a
// snippet may take. What is left runs no longer: the end of its context ends it. A second signal
// ends this process at once, and with it, by the kernel, every sandbox.
func serve(listener net.Listener, handler http.Handler) error {
	signals, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	all, end := context.WithCancel(context.Background())
	defer end()
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return all },
		ReadHeaderTimeout: requestTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-signals.Done():
		stop()
	}
	if shutDown(server, *timeout+time.Second) == nil {
		return nil
	}
	end()
	if shutDown(server, requestTimeout) != nil {
		return server.Close()
	}
	return nil
}

func shutDown(server *http.Server, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return server.Shutdown(ctx)
}

// prepare checks the sandbox of each language that this machine has, and makes those that are to wait.
func (s *service) prepare() error {
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = *user, *user
		if err := syscall.Setgroups(nil); err != nil { // nobody can give them up in a user namespace
			return err
		}
	}
	for name, argv := range interpreters {
		if _, err := os.Stat(argv[0]); err != nil {
			continue
		}
		cmd, err := sandbox(argv, uid, gid)
		if err != nil {
			return err
		}
		p, err := sprog.Prepare(cmd)
		if err != nil {
			return err
		}
		s.languages[name] = p
		if err := p.Warm(*warm); err != nil {
			return err
		}
		if *warm == 0 { // whatever keeps this machine from making it is to be said now
			if _, err := p.Command(sprog.Inputs{Args: append(argv[:len(argv):len(argv)], "")}).CombinedOutput(); err != nil {
				return err
			}
		}
	}
	if len(s.languages) == 0 {
		return fmt.Errorf("this machine has no interpreter")
	}
	return nil
}
