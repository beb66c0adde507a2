#!/usr/bin/env bash
# Makes everything the project needs on a fresh Debian 12: system packages, .venv, and the lab's
# chroot with Asterisk and Redis. Idempotent: a second run takes about a second.
# Needs root for system packages and the chroot, and the package registries.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
rootfs=${LIANDONG_LAB_ROOTFS:-${XDG_CACHE_HOME:-$HOME/.cache}/liandong/lab-rootfs-1}
suite=forky # bookworm has no Asterisk; forky has 22.10
log=$(mktemp -t liandong-setup.XXXXXX)
step_no=0

fail() {
    printf '\nsetup: %s\n' "$1" >&2
    [ -s "$log" ] && { printf -- '--- last lines of the log ---\n' >&2; tail -n 25 "$log" >&2; }
    exit 1
}

# step TITLE COMMAND...: runs it with a clock that ticks on a terminal.
step() {
    local title=$1 start=$SECONDS pid status=0
    shift
    step_no=$((step_no + 1))
    printf 'setup [%d/3] %s ...' "$step_no" "$title"
    "$@" >"$log" 2>&1 &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; printf "\nsetup: interrupted\n" >&2; exit 130' INT TERM
    if [ -t 1 ]; then
        while kill -0 "$pid" 2>/dev/null; do
            printf '\rsetup [%d/3] %s ... %ds' "$step_no" "$title" $((SECONDS - start))
            sleep 0.5
        done
    fi
    wait "$pid" || status=$?
    trap - INT TERM
    [ "$status" -eq 0 ] || fail "$title failed (exit $status)"
    printf '\rsetup [%d/3] %s ... done in %ds\n' "$step_no" "$title" $((SECONDS - start))
}

has() { command -v "$1" >/dev/null 2>&1; }

system_packages() {
    local wanted=()
    has chromium || wanted+=(chromium)
    has mmdebstrap || wanted+=(mmdebstrap)
    has setpriv || wanted+=(util-linux)
    fc-list 2>/dev/null | grep -qi wenquanyi || wanted+=(fontconfig fonts-wqy-microhei)
    python3 -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)
    [ "${#wanted[@]}" -eq 0 ] && return 0
    has apt-get || { echo "install by hand: ${wanted[*]}"; return 1; }
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}"
}

python_packages() {
    local stamp
    stamp=$(cat pyproject.toml constraints.txt tools/setup.sh | sha256sum)
    [ -f "$venv/.stamp" ] && [ "$(cat "$venv/.stamp")" = "$stamp" ] && return 0
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "Python 3.11 or newer is needed, this is $(python3 --version)"; return 1; }
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --upgrade 'pip>=25.1'
    "$venv/bin/python" -m pip install --constraint constraints.txt --editable . --group dev
    echo "$stamp" >"$venv/.stamp"
}

lab_chroot() {
    [ -f "$rootfs/.complete" ] && return 0
    local mirror partial
    mirror=$(apt-get indextargets --format '$(CODENAME) $(SITE)' 'Created-By: Packages' |
        awk -v c="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$1 == c { print $2; exit }')
    [ -n "$mirror" ] || { echo "apt-get knows no Debian mirror; run apt-get update"; return 1; }
    mkdir -p "$(dirname "$rootfs")"
    partial=$(mktemp -d "$rootfs.XXXXXX")
    chmod 755 "$partial"
    trap 'rm -rf "$partial"' EXIT
    # The mirror may be a frozen copy whose Release file is past its date.
    mmdebstrap --mode=root --variant=essential --include=asterisk,redis-server \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        "$suite" "$partial" "$mirror"
    touch "$partial/.complete"
    # Whoever is first wins when two run at once.
    mv -T "$partial" "$rootfs" 2>/dev/null || [ -f "$rootfs/.complete" ]
}

chroot_needed() {
    has redis-server && has asterisk &&
        [ "$(asterisk -V | sed -n 's/^Asterisk \([0-9]*\).*/\1/p')" -ge 20 ] && return 1
    return 0
}

step "system packages" system_packages
step "Python packages" python_packages
if chroot_needed; then step "lab: Asterisk and Redis" lab_chroot; fi
rm -f "$log"
