//go:build amd64 || arm64

package doctor

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// featuresOfView are Attr.Root and Attr.Mounts. The host is one that something can be mounted over in
// any case: /.
func featuresOfView() []featureProbe {
	return []featureProbe{
		{name: "mounts", since: "5.12", what: "{Attr.Mounts}, {Attr.Root}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: views(spec.Root{Empty: true})},
		{name: "mounts-recursive", since: "5.12", what: "{Attr.Root.Flags} on everything that is mounted below", takes: here(unix.CAP_SYS_ADMIN), inside: true,
			try: views(spec.Root{Host: true, Flags: spec.MountReadOnly})},
		{name: "view-user", since: "5.12", what: "{Attr.Mounts} in a user namespace", try: viewsAsUser()},
		{name: "proc-fresh", since: "5.12", what: "{Attr.Mounts.Proc} in a user namespace", try: viewsAsUser(spec.Mount{Target: "/proc", Proc: &spec.Proc{}})},
		{name: "idmap-mount", since: "5.12", what: "{Attr.Mounts.IDMap} of the root directory's file system", takes: here(unix.CAP_SYS_ADMIN),
			try: views(spec.Root{Empty: true}, spec.Mount{Target: "/m", Bind: "/", Shallow: true, IDMap: mapsRootTo(1)})},
		{name: "overlay-user", since: "5.11", what: "{Attr.Mounts.Overlay} in a user namespace",
			try: viewsAsUser(spec.Mount{Target: "/o", Overlay: &spec.Overlay{Lower: []string{"/usr", "/etc"}, Private: true}})},
	}
}

// views tries a root directory, and mounts in it.
func views(root spec.Root, mounts ...spec.Mount) func(*trial) {
	return func(t *trial) {
		t.sys.Cloneflags |= unix.CLONE_NEWNS
		t.attr.Root, t.attr.Mounts = &root, mounts
	}
}

// mapsRootTo has what belongs to root belong to another id.
func mapsRootTo(id int) *spec.MountIDMap {
	ids := []spec.IDRange{{Disk: 0, Seen: id, Size: 1}}
	return &spec.MountIDMap{UIDs: ids, GIDs: ids}
}

// viewsAsUser tries mounts in an empty root, with no more rights than a user has.
func viewsAsUser(mounts ...spec.Mount) func(*trial) {
	return func(t *trial) {
		mapsItself(t)
		t.sys.Cloneflags |= unix.CLONE_NEWNS | unix.CLONE_NEWPID
		t.attr.Root, t.attr.Mounts = &spec.Root{Empty: true}, mounts
	}
}
