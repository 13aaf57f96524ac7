package sprog

import "os"

// A Root is the program's root directory: exactly one of Host, Empty, Dir, File
// and Overlay. Attr.Root and Attr.Mounts need a new mount namespace: CLONE_NEWNS
// in SysProcAttr.Cloneflags or Unshareflags. They take the rights to mount, which
// a new user namespace gives: CLONE_NEWUSER with maps of the caller's ids.
//
// Any Root but Host makes another directory the root by pivot_root(2). Nothing of
// the old root is left in the program's mount namespace then, and there is no
// directory that it was at for a moment. The program starts in Cmd.Dir as the new
// root has it. Without that it starts in the caller's working directory if the
// program sees a directory of that name, and in / otherwise.
//
// The start puts the view together in three phases. It takes all that mounts are
// made of from the caller's view, in their order. It then turns to the new root, and
// places one mount after the other. So a source never means what an earlier mount
// has put there, and a target never leaves the new root.
//
// A change of the root cannot be combined with SysProcAttr.Chroot, nor with
// Attr.DirFile.
type Root struct {
	// Host leaves the caller's root where it is, and has Flags apply to it and to
	// everything that is mounted below. It is what a nil Root does, with flags.
	//
	// A read-only host includes its /proc, in which not even uid_map can be
	// written then: give the program a Proc mount. With MountNoDev no device can
	// be opened, /dev/null among them: it takes a Dev mount.
	Host bool

	// Empty is an empty tmpfs of mode 0755, nosuid and nodev. Directories and
	// files that mounts need are made in it as they are needed.
	Empty bool

	// Dir is a directory of the caller's that becomes the root, with all that is
	// mounted below it. A relative path begins at the caller's working directory.
	Dir string

	// File is such a directory, opened, in any mode, O_PATH included. See
	// Mount.File.
	File *os.File

	// Overlay is an overlay whose union becomes the root.
	Overlay *Overlay

	// Flags are set on the root. On Host they are set before the first mount is
	// placed, and on everything below; a mount that is placed later has its own.
	// Otherwise they are set when everything is placed, on the root's own mount
	// and, of Dir and File, on those that came with it.
	Flags MountFlags

	// Propagation says what becomes of mounts that are made or removed outside
	// later. With the zero value they do not appear: a file system that somebody mounts below
	// a read-only one of this view would be writable here. PropagationSlave
	// has them appear. What the program mounts never appears outside.
	Propagation Propagation
}

// Propagation is how mounts spread between namespaces. See mount_namespaces(7).
type Propagation uint8

const (
	PropagationDefault    Propagation = iota // of a Root: private. Of a Mount: that of the root
	PropagationPrivate                       // nothing appears, either way
	PropagationSlave                         // what is mounted outside appears inside
	PropagationShared                        // among namespaces that are made from the program's own
	PropagationUnbindable                    // private, and cannot be bound
)

// An Overlay is a union of directories; see
// https://docs.kernel.org/filesystems/overlayfs.html. In a user namespace it takes Linux
// 5.11, and no directory of it may have something mounted below.
type Overlay struct {
	// Lower are the layers below, the topmost first, as absolute paths of the caller's.
	// There must be one, and two where there is no layer to write to.
	Lower []string

	// Upper is the directory that changes go to, and Work an empty one on the same
	// file system, which the kernel uses for itself. Both are absolute. Without them
	// and without Private, the overlay is read-only.
	Upper, Work string

	// Private has changes go to a tmpfs that nobody can name. They are gone with
	// the view.
	Private bool

	// UserXattrs has what overlays keep about files be in extended attributes that need no
	// rights (user.overlay.*), as they always are in a new user namespace. A layer that was written
	// to in one way is to be used in the same way again.
	UserXattrs bool
}
