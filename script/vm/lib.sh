# Run Go tests on a Debian kernel in a virtual machine. Sourced by
# script/arm64-vm and script/amd64-vm, which call vm_main with the architecture.
# shellcheck shell=bash

vm_dir=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
vm_tmp=
vm_pid=

vm_usage() {
	cat <<-EOF
		usage: $vm_name [flags] [package ...]

		Runs the packages' tests as root on Debian's $vm_arch kernel, in a virtual
		machine. The packages are those of the go command; without any, they are
		./internal/machine, ./internal/program and the package at the root.

		  -run REGEXP     run only the tests which match
		  -timeout DUR    how long one package may take (10m)
		  -user           run each package once more as an unprivileged user
		  -short          run the tests with -test.short
		  -quiet          print only what fails; a package that spreads its tests over
		                  several processes does so
		  -count N        run each test N times
		  -suite NAME     take the kernel from this Debian release rather than from
		                  those in the host's package sources
		  -kernel NAME    the package which depends on the newest kernel
		                  ($vm_kernel)
		  -help           print this

		The kernel is downloaded once, to $vm_cache;
		remove that directory to download a newer one.
	EOF
}

vm_die() {
	printf '%s: %s\n' "$vm_name" "$*" >&2
	exit 1
}

vm_log() {
	printf '=== %s: %s\n' "$vm_name" "$*"
}

vm_cleanup() {
	if [[ -n $vm_pid ]]; then
		kill -KILL "$vm_pid" 2>/dev/null || true
		wait "$vm_pid" 2>/dev/null || true
	fi
	if [[ -n $vm_tmp ]]; then
		rm -rf -- "$vm_tmp"
	fi
}

# vm_seconds prints a duration of the go command, such as 1h30m, in seconds.
vm_seconds() {
	local rest=$1 total=0 n
	while [[ $rest =~ ^([0-9]+)(h|m|s)(.*)$ ]]; do
		n=$((10#${BASH_REMATCH[1]}))
		case ${BASH_REMATCH[2]} in
		h) total=$((total + n * 3600)) ;;
		m) total=$((total + n * 60)) ;;
		s) total=$((total + n)) ;;
		esac
		rest=${BASH_REMATCH[3]}
	done
	if [[ -n $rest || $total -eq 0 ]]; then
		vm_die "-timeout $1: want hours, minutes and seconds, as in 1h30m or 90s"
	fi
	printf '%s\n' "$total"
}

# vm_tools installs the programs of the host which are missing, or names them.
vm_tools() {
	local -A package=(
		["$vm_qemu"]=$vm_qemu_package
		[cpio]=cpio
		[depmod]=kmod
		[modprobe]=kmod
		[xz]=xz-utils
		[flock]=util-linux
	)
	local tool missing=()
	for tool in "${!package[@]}"; do
		command -v "$tool" >/dev/null || missing+=("${package[$tool]}")
	done
	if ((${#missing[@]} == 0)); then
		return
	fi
	mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
	if ((EUID != 0)); then
		vm_die "missing: install the Debian packages ${missing[*]}"
	fi
	vm_log "installing ${missing[*]}"
	if ! DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		"${missing[@]}" >"$vm_tmp/install.log" 2>&1; then
		cat "$vm_tmp/install.log" >&2
		vm_die "cannot install ${missing[*]}; apt-get update may help"
	fi
}

# vm_sources prints the package sources: those of the host which are Debian's,
# or the ones of the release asked for, without its security archive for main.
vm_sources() {
	local signed='' list=''
	if [[ -f /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
		signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	fi
	if [[ -z $vm_suite ]]; then
		# shellcheck disable=SC2016 # apt-get fills these in.
		list=$(apt-get indextargets --format "deb $signed"'$(REPO_URI) $(RELEASE) $(COMPONENT)' \
			'Created-By: Packages' 'Origin: Debian' 2>/dev/null | sort -u || true)
	fi
	if [[ -n $list ]]; then
		printf '%s\n' "$list"
		return
	fi
	local suite=${vm_suite:-bookworm}
	printf 'deb %s%s\n' "$signed" "http://deb.debian.org/debian $suite main"
	if [[ $1 == all ]]; then
		printf 'deb %s%s\n' "$signed" "http://deb.debian.org/debian-security $suite-security main"
	fi
}

# vm_download downloads the packages from the sources in $1: into $1/debs the
# kernel and busybox, and into $1/cache/archives the rest with all it needs.
vm_download() {
	(
		rm -rf -- "$1/debs" &&
			mkdir "$1/debs" &&
			cd "$1/debs" &&
			apt-get -c "$1/apt.conf" -qq update &&
			image=$(apt-cache -c "$1/apt.conf" --no-all-versions show "$vm_kernel" |
				sed -n 's/^Depends:.*\(linux-image-[^ ,]*\).*/\1/p') &&
			apt-get -c "$1/apt.conf" -qq download busybox-static "$image" &&
			apt-get -c "$1/apt.conf" -qq -y -d --no-install-recommends install \
				bash coreutils dash
	) >"$1/log" 2>&1 </dev/null
}

# vm_fetch downloads the kernel and the programs of the machine into $vm_root,
# with an apt of its own, which neither knows nor changes the architectures of
# the host.
vm_fetch() {
	local apt=$vm_tmp/apt new=$vm_root.new image release config deb
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	cat >"$apt/apt.conf" <<-EOF
		#clear APT::Update;
		#clear APT::Architectures;
		APT::Architecture "$vm_arch";
		APT::Architectures { "$vm_arch"; };
		APT::Sandbox::User "root";
		Acquire::Languages { "none"; };
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Dir::State "$apt/state";
		Dir::State::status "/dev/null";
		Dir::Cache "$apt/cache";
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "-";
	EOF
	vm_log "downloading $vm_kernel for $vm_arch"
	vm_sources all >"$apt/sources.list"
	if ! vm_download "$apt"; then
		# The security archive of an old release may lack an architecture.
		vm_sources main >"$apt/sources.list"
		if [[ -z $vm_suite ]] || ! vm_download "$apt"; then
			cat "$apt/log" >&2
			vm_die "cannot download $vm_kernel for $vm_arch"
		fi
	fi
	image=$(find "$apt/debs" -name 'linux-image-*.deb')
	[[ -n $image ]] || vm_die "$vm_kernel does not depend on a kernel"

	rm -rf -- "$new"
	mkdir -p "$new/deb" "$new/lib"
	dpkg-deb -x "$image" "$new/deb"
	mv "$new/deb/boot"/vmlinuz-* "$new/vmlinuz"
	if [[ -d $new/deb/usr/lib/modules ]]; then
		mv "$new/deb/usr/lib/modules" "$new/lib/modules"
	else
		mv "$new/deb/lib/modules" "$new/lib/modules"
	fi
	dpkg-deb -x "$apt/debs"/busybox-static_*.deb "$new/deb"
	mkdir -p "$new/base/usr"/{bin,sbin,lib,lib64}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$new/base"
	for deb in "$apt/cache/archives"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x --keep-directory-symlink -C "$new/base" \
				--exclude='./usr/share' --exclude='./etc' --exclude='./var' --exclude='*/gconv'
	done
	find "$new/deb" -path '*bin/busybox' -type f -exec mv -t "$new/base/usr/bin" {} +
	config=$(find "$new/deb/boot" -name 'config-*')
	release=${config##*/config-}
	rm -rf -- "$new/deb" "$apt"
	depmod -b "$new" "$release"
	printf '%s\n' "$release" >"$new/release"
	rm -rf -- "$vm_root"
	mv -T -- "$new" "$vm_root"
}

# vm_modules copies the modules named, and what they need, into the tree $1,
# and prints the names of those which are not part of the kernel itself.
vm_modules() {
	local tree=$1 release name how file into
	shift
	release=$(cat "$vm_root/release")
	into=$tree/lib/modules/$release
	mkdir -p "$into"
	cp "$vm_root/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$into"
	for name; do
		while read -r how file _; do
			[[ $how == insmod ]] || continue
			case $file in
			*.xz) xz -dc -- "$file" >"$into/$(basename -- "$file" .xz)" ;;
			*) cp -- "$file" "$into" ;;
			esac
		done < <(modprobe -d "$vm_root" -S "$release" -D "$name" 2>/dev/null)
		if [[ -f $into/$name.ko ]]; then
			printf '%s\n' "$name"
		fi
	done
	depmod -b "$tree" "$release"
}

# vm_build puts together the tree the machine starts with, in $vm_tmp/tree,
# and packs it.
vm_build() {
	local tree=$vm_tmp/tree packages=() list path dir name who
	umask 022
	cp -a -- "$vm_root/base" "$tree"
	mkdir -p "$tree"/{etc,home/user,media,mnt,opt,root,src,srv,var/tmp,vm}

	if (($#)); then
		packages=("$@")
	else
		cd -- "$vm_dir/../.." || exit
		for dir in internal/machine internal/program; do
			[[ ! -d $dir ]] || packages+=("./$dir")
		done
		packages+=(.)
	fi
	export GOOS=linux GOARCH=$vm_arch CGO_ENABLED=0
	list=$(go list -f '{{.ImportPath}}	{{.Dir}}' -- "${packages[@]}") || exit 1
	while IFS=$'\t' read -r path dir <&3; do
		name=${path##*/}.test
		mkdir -p "$tree/src/$path"
		if ! go test -c -o "$tree/src/$path/$name" "$path" >"$vm_tmp/go.log" 2>&1; then
			cat "$vm_tmp/go.log" >&2
			vm_packages+=("$path")
			for who in "${vm_who[@]}"; do
				vm_status[$who $path]=build
			done
			continue
		fi
		if [[ ! -f $tree/src/$path/$name ]]; then
			vm_log "$path: no test files"
			continue
		fi
		for data in testdata docs; do
			if [[ -d $dir/$data ]]; then
				cp -a -- "$dir/$data" "$tree/src/$path/$data"
			fi
		done
		vm_packages+=("$path")
		for who in "${vm_who[@]}"; do
			printf '%s\t%s\t%s\t%s\n' "$who" "/src/$path" "$name" "$path"
		done >>"$tree/vm/plan"
	done 3<<<"$list"
	unset GOOS GOARCH CGO_ENABLED
	[[ -f $tree/vm/plan ]] || vm_die "nothing to run"
	chmod -R go+rX "$tree/src"

	ln -s /bin/busybox "$tree/vm/timeout"
	install -m 755 "$vm_dir/init" "$tree/init"
	install -m 755 "$vm_dir/init" "$tree/vm/init"
	printf '%s\n' "$vm_mark" >"$tree/vm/mark"
	printf '%s\n' "$((vm_limit + 20))" >"$tree/vm/limit"
	printf '%s\n' "${vm_args[@]}" >"$tree/vm/args"
	date +%s >"$tree/vm/now"
	vm_modules "$tree" fuse overlay binfmt_misc tun veth >"$tree/vm/modules"
	cat >"$tree/etc/passwd" <<-EOF
		root:x:0:0:root:/root:/bin/sh
		user:x:1000:1000:user:/home/user:/bin/sh
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	EOF
	cat >"$tree/etc/group" <<-EOF
		root:x:0:
		tty:x:5:
		users:x:100:user
		user:x:1000:
		nogroup:x:65534:
	EOF
	printf '127.0.0.1 localhost sprog-vm\n::1 localhost\n' >"$tree/etc/hosts"
	chmod 700 "$tree/root" "$tree/home/user"
	chmod 1777 "$tree/var/tmp"

	# The home directory is the user's; all else is root's.
	(
		cd "$tree" || exit
		find . -path ./home/user -prune -o -print0 |
			cpio -0 -o -H newc -R 0:0 --quiet
		printf './home/user\0' | cpio -0 -o -H newc -R 1000:1000 --quiet
	) >"$vm_tmp/initrd"
	rm -rf -- "$tree"
}

# vm_boot runs the machine, prints what it prints, and fills in vm_status.
vm_boot() {
	local started=$SECONDS deadline line='' part='' blank='' rc word rest who path status took
	local booted='' ended='' now='booting'
	local command=(
		"$vm_qemu" "${vm_machine[@]}" -smp 2 -m 2G
		-nodefaults -no-user-config -display none -no-reboot -nic none
		-monitor none -serial stdio
		-kernel "$vm_root/vmlinuz" -initrd "$vm_tmp/initrd"
		-append "console=$vm_console loglevel=3 panic=-1 oops=panic nowatchdog rcupdate.rcu_cpu_stall_suppress=1 cgroup_no_v1=all"
	)
	deadline=$((SECONDS + vm_boot_limit))
	exec {vm_out}< <(exec "${command[@]}" </dev/null 2>"$vm_tmp/qemu.log")
	vm_pid=$!

	while :; do
		rc=0
		if ((SECONDS >= deadline)); then
			rc=129
		else
			IFS= read -r -t $((deadline - SECONDS)) part <&"$vm_out" || rc=$?
			line+=$part
		fi
		if ((rc > 128 && SECONDS < deadline)); then
			continue
		fi
		line=${line//$'\r'/}
		if ((rc == 0)) && [[ -n $ended ]]; then
			line=
			continue
		fi
		if ((rc == 0)) && [[ $line != *"@$vm_mark "* ]]; then
			# A report begins with an empty line, which is not the tests'.
			printf '%s' "$blank"
			blank=
			if [[ -z $line ]]; then
				blank=$'\n'
			else
				printf '%s\n' "$line"
			fi
			line=
			continue
		fi
		if ((rc != 0)); then
			printf '%s' "$blank"
			[[ -z $line ]] || printf '%s\n' "$line"
			if ((rc > 128)); then
				vm_log "nothing more to expect while $now: killed"
				kill -KILL "$vm_pid" 2>/dev/null || true
			elif [[ -z $ended ]]; then
				vm_log "the machine stopped while $now"
			fi
			break
		fi

		blank=
		rest=${line#*"@$vm_mark "}
		line=
		read -r word rest <<<"$rest"
		case $word in
		boot)
			read -r vm_release booted <<<"$rest"
			vm_boot_time=$((SECONDS - started))
			vm_log "Linux $vm_release ($vm_arch), booted in ${vm_boot_time}s"
			;;
		run)
			read -r who path <<<"$rest"
			now="running $path as $who"
			deadline=$((SECONDS + vm_limit + 60))
			vm_log "$now"
			;;
		left)
			read -r who path rest <<<"$rest"
			vm_log "$path as $who left processes behind, $rest"
			;;
		exit)
			read -r who path status took <<<"$rest"
			now="after $path as $who"
			deadline=$((SECONDS + 60))
			vm_status[$who $path]=$status
			vm_took[$who $path]=$took
			vm_log "$path as $who: exit status $status (${took}s)"
			;;
		end)
			ended=1
			now='powering off'
			deadline=$((SECONDS + 60))
			;;
		esac
	done

	rc=0
	wait "$vm_pid" || rc=$?
	vm_pid=
	exec {vm_out}<&-
	if [[ -s $vm_tmp/qemu.log && (-z $booted || -z $ended) ]]; then
		cat "$vm_tmp/qemu.log" >&2
	fi
	[[ -n $ended && $rc -eq 0 ]]
}

vm_main() {
	vm_arch=$1
	vm_name=$vm_arch-vm
	vm_suite=
	vm_kernel=linux-image-cloud-$vm_arch
	vm_cache=${XDG_CACHE_HOME:-$HOME/.cache}/sprog-$vm_arch
	shift
	local timeout=10m quiet='' key
	vm_who=(root)
	vm_packages=()
	vm_args=()
	declare -gA vm_status=() vm_took=()
	vm_release=unknown
	vm_boot_time=0

	while (($#)); do
		key=$1
		[[ $key != --?* ]] || key=${key#-}
		if [[ $key == -*=* ]]; then
			set -- "${key%%=*}" "${key#*=}" "${@:2}"
			key=$1
		fi
		case $key in
		-run | -timeout | -count | -suite | -kernel)
			if (($# < 2)); then
				printf '%s: %s: want a value\n' "$vm_name" "$key" >&2
				exit 2
			fi
			;;
		esac
		case $key in
		-run) vm_args+=("-test.run=$2") && shift 2 ;;
		-timeout) timeout=$2 && shift 2 ;;
		-count) vm_args+=("-test.count=$2") && shift 2 ;;
		-suite) vm_suite=$2 && shift 2 ;;
		-kernel) vm_kernel=$2 && shift 2 ;;
		-short) vm_args+=(-test.short) && shift ;;
		-quiet) quiet=1 && shift ;;
		-user) vm_who=(root user) && shift ;;
		-h | -help) vm_usage && exit ;;
		--) shift && break ;;
		-*) vm_usage >&2 && exit 2 ;;
		*) break ;;
		esac
	done
	vm_limit=$(vm_seconds "$timeout") || exit
	vm_args=(-test.paniconexit0 "-test.timeout=${vm_limit}s" "${vm_args[@]}")
	[[ -n $quiet ]] || vm_args+=(-test.v)
	vm_root=$vm_cache/${vm_suite:-host}-$vm_kernel

	case $vm_arch in
	arm64)
		vm_qemu=qemu-system-aarch64
		vm_qemu_package=qemu-system-arm
		# The real algorithm of pointer authentication is slow to emulate.
		vm_machine=(-M virt -accel tcg -cpu 'max,pauth-impdef=on')
		vm_console=ttyAMA0
		;;
	amd64)
		vm_qemu=qemu-system-x86_64
		vm_qemu_package=qemu-system-x86
		vm_machine=(-M q35 -accel tcg -cpu max)
		vm_console=ttyS0
		;;
	*) vm_die "unknown architecture $vm_arch" ;;
	esac
	vm_boot_limit=300
	vm_mark=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')

	# Some users do not have depmod and modprobe in theirs.
	PATH=$PATH:/usr/sbin:/sbin

	local begun=$SECONDS built who path
	vm_tmp=$(mktemp -d)
	trap vm_cleanup EXIT
	# The second of two signals must not cut the cleaning up short.
	trap 'trap "" HUP INT TERM; exit 129' HUP
	trap 'trap "" HUP INT TERM; exit 130' INT
	trap 'trap "" HUP INT TERM; exit 143' TERM
	vm_tools
	mkdir -p "$vm_cache"
	exec {vm_lock}>"$vm_cache/lock"
	flock "$vm_lock"
	if [[ ! -d $vm_root ]]; then
		vm_fetch
	fi
	exec {vm_lock}>&-

	vm_build "$@"
	built=$((SECONDS - begun))
	local ok=0 failed=0
	vm_boot || {
		ok=1
		vm_log "the machine did not end as it should"
	}
	for path in "${vm_packages[@]}"; do
		for who in "${vm_who[@]}"; do
			if [[ ${vm_status[$who $path]-} == 0 ]]; then
				printf 'ok   %s %s %ss\n' "$who" "$path" "${vm_took[$who $path]}"
				continue
			fi
			failed=$((failed + 1))
			ok=1
			if [[ ${vm_status[$who $path]-} == build ]]; then
				printf 'FAIL %s %s does not build\n' "$who" "$path"
			elif [[ -n ${vm_status[$who $path]-} ]]; then
				printf 'FAIL %s %s exit status %s\n' "$who" "$path" "${vm_status[$who $path]}"
			else
				printf 'FAIL %s %s did not end\n' "$who" "$path"
			fi
		done
	done
	vm_log "Linux $vm_release ($vm_arch): $failed failed; ${built}s to build," \
		"${vm_boot_time}s to boot, $((SECONDS - begun))s in all"
	exit $ok
}
