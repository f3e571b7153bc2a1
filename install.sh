#!/usr/bin/env bash
# Installs Heat from this source tree: programs, configuration, directories. Can be run again: an
# existing configuration file is never touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'TEXT'
usage: ./install.sh [-h|--help]

Installs Heat into a virtual environment of its own, puts its configuration into place (with a fresh
auth_encryption_key), and as root makes its log and state directories.

Environment
  PREFIX         the virtual environment       root: /opt/heat       else: ~/.local/share/heat
  BIN_DIR        where heat-* are linked       root: /usr/local/bin  else: ~/.local/bin
                 (empty: nowhere; the default too when PREFIX is given)
  CONF_PREFIX    configuration goes to $CONF_PREFIX/etc/heat, logs and state to $CONF_PREFIX/var
  CONF_DIR       or exactly here               root: /etc/heat       else: ~/.heat
  PYTHON         the Python to use (python3.11 or newer)
  HEAT_HOST      this host's address for instances to reach (its first address)
TEXT
}

say() { printf 'install.sh: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }
root() { [ "$(id -u)" = 0 ]; }

case ${1:-} in
    '') ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
esac

if root; then
    prefix=/opt/heat bin=/usr/local/bin conf=/etc/heat
else
    prefix=$HOME/.local/share/heat bin=$HOME/.local/bin conf=$HOME/.heat
fi
[ -z "${PREFIX:-}" ] || bin=
prefix=${PREFIX:-$prefix}
bin=${BIN_DIR-$bin}
var=
if [ -n "${CONF_PREFIX:-}" ]; then
    conf=$CONF_PREFIX/etc/heat
    var=$CONF_PREFIX/var
elif root; then
    var=/var
fi
conf=${CONF_DIR:-$conf}

# ---- the programs
suitable() {
    command -v "$1" >/dev/null && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}
if [ ! -x "$prefix/bin/python" ]; then
    for python in ${PYTHON:+"$PYTHON"} python3.11 python3 /usr/bin/python3 none; do
        suitable "$python" && break
    done
    if [ "$python" = none ]; then
        die "needs Python 3.11 with venv (Debian: apt-get install python3 python3-venv)"
    fi
    "$python" -m venv "$prefix"
fi
say "installing the programs into $prefix"
# from a copy: a build leaves its own copies behind, which the next build would take for the source
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
tar -cf - --exclude='./.*' --exclude=./build --exclude='*.egg-info' --exclude=__pycache__ . | tar -xf - -C "$source"
"$prefix/bin/python" -m pip --disable-pip-version-check install -q --progress-bar off "$source"
if [ -n "$bin" ]; then
    mkdir -p "$bin"
    for program in "$prefix"/bin/heat-*; do
        ln -sf "$program" "$bin/"
    done
fi

# ---- the configuration
encryption_key() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

place() {       # place SOURCE TARGET: never over a file that is there
    if [ -e "$2" ]; then
        say "kept $2"
        return
    fi
    if grep -q '%ENCRYPTION_KEY%' "$1"; then
        (umask 027 && sed "s/%ENCRYPTION_KEY%/$(encryption_key)/" "$1" >"$2")
    else
        cp "$1" "$2"
    fi
    say "made $2"
}

mkdir -p "$conf"
chmod 0750 "$conf"
(cd etc/heat && find . -type d) | while read -r directory; do
    mkdir -p "$conf/$directory"
done
(cd etc/heat && find . -type f | sort) | while read -r file; do
    place "etc/heat/$file" "$conf/${file#./}"
done
if [ ! -e "$conf/heat.conf" ]; then
    address=${HEAT_HOST:-$(hostname -I 2>/dev/null | cut -d' ' -f1)}
    address=${address:-127.0.0.1}
    (umask 027 && cat >"$conf/heat.conf" <<TEXT
[DEFAULT]
# 32 characters; what is encrypted in the database is lost with it
auth_encryption_key = $(encryption_key)
# where servers reach this host
heat_metadata_server_url = http://$address:8000
heat_waitcondition_server_url = http://$address:8000/v1/waitcondition
heat_watch_server_url = http://$address:8003
${var:+log_dir = $var/log/heat
}# transport_url = rabbit://USER:PASSWORD@HOST:5672/

[database]
# heat-db-setup sets the connection
TEXT
    )
    say "made $conf/heat.conf"
fi

# ---- directories of a service
if [ -n "$var" ]; then
    mkdir -p "$var/log/heat" "$var/lib/heat"
    chmod 0750 "$var/log/heat" "$var/lib/heat"
    if root && id heat >/dev/null 2>&1; then
        chown -R heat: "$var/log/heat" "$var/lib/heat"
        chgrp -R heat "$conf"
    fi
fi

cat <<TEXT

Heat is installed. Next, for separate services:
  1. $prefix/bin/heat-db-setup deb          (or rpm) the database
  2. $prefix/bin/heat-keystone-setup        with an administrator's OS_* variables; then
     $prefix/bin/heat-keystone-setup-domain
  3. in $conf/heat.conf: transport_url, [keystone_authtoken], [trustee] and the lines that step 2 printed
  4. start heat-engine, heat-api, heat-api-cfn and heat-api-cloudwatch
or, to try it alone in one process: $prefix/bin/heat-all
TEXT
