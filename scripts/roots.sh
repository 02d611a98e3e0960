# Roots of other systems, for scripts that try edgevtn there; to be sourced. Needs root, mmdebstrap and unshare.
# Tests whose result the processor, the versions of Python and of NumPy can change.
tests_that_can_differ=(
    tests/kernels/test_prepare.py tests/kernels/test_kernels.py tests/kernels/test_kernels_int8.py
    tests/kernels/test_changes.py tests/runtime/test_bundle.py tests/runtime/test_signed.py
    tests/runtime/test_heads.py tests/runtime/test_recognizer.py tests/runtime/test_sources.py
)
test_packages=(pytest pytest-benchmark pytest-timeout hypothesis psutil onnx-ir)
certificates=/etc/ssl/certs/ca-certificates.crt

expect_commands() { # COMMAND ...: the message names Debian's packages
    local command
    for command in "$@"; do
        command -v "$command" > /dev/null || {
            echo "expected $command; Debian has it in mmdebstrap, qemu-user-static, binfmt-support or buildah" >&2
            return 1
        }
    done
    [ "$(id -u)" = 0 ] || { echo "expected to run as root, which the root of another system needs" >&2; return 1; }
}

make_root() { # DIR SUITE PACKAGE,...: of Debian, or of Ubuntu; one that is there stays
    local root="$1" suite="$2" packages="$3" keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
    [ ! -x "$root/bin/sh" ] || return 0
    # A mirror that lags serves an index that has run out; its signature is checked all the same.
    local options=(--quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"')
    case "$suite" in
        bookworm | trixie | forky | sid)
            mmdebstrap "${options[@]}" --include="apt,$packages" "$suite" "$root"
            return ;;
    esac
    if [ ! -e "$keys" ]; then # Debian has Ubuntu's keys in a package, which Debian has signed
        mmdebstrap "${options[@]}" --variant=extract --include=ubuntu-keyring sid "$root.keys"
        keys="$root.keys$keys"
    fi
    local ubuntu="http://archive.ubuntu.com/ubuntu"
    mmdebstrap "${options[@]}" --keyring="$keys" --include="apt,$packages" "$suite" "$root" \
        "deb $ubuntu $suite main universe" "deb $ubuntu $suite-updates main universe"
    rm -rf --one-file-system "$root.keys"
}

in_root() { # DIR COMMAND ...: in a mount namespace of its own, which goes when it ends; /tmp is in memory
    mkdir -p "$1/etc/ssl/certs"
    touch "$1$certificates" "$1/etc/resolv.conf"
    # Names and certificates are this machine's, so that pip goes the same way.
    CERTIFICATES="$certificates" unshare --mount --propagation private bash -euc '
        root="$0"
        mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" && mount --bind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        mount --bind "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
        [ ! -e "$CERTIFICATES" ] || mount --bind "$CERTIFICATES" "$root$CERTIFICATES"
        proxies="$(env | grep -iE "^(http|https|no)_proxy=" || true)"
        exec chroot "$root" env -i PATH=/opt/edgevtn/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            PIP_CERT="$CERTIFICATES" PIP_DISABLE_PIP_VERSION_CHECK=1 $proxies "$@"
    ' "$@"
}
