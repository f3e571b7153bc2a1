# Sourced by tools/test, tools/check and tools/quickstart: one way to make a virtual environment.
# The caller sets $me, the name in front of messages; the current directory is the project's.

say() { printf '%s: %s\n' "$me" "$*"; }
die() { say "$*" >&2; exit 1; }
root() { [ "$(id -u)" = 0 ]; }

apt_install() {
    say "installing $* (apt-get)"
    DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@" >/dev/null
}

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python_with() {     # python_with MODULES: the first suitable Python that can import them
    local one
    for one in ${PYTHON:+"$PYTHON"} python3.11 python3 /usr/bin/python3; do
        if suitable "$one" && "$one" -c "import $1" 2>/dev/null; then
            echo "$one"
            return
        fi
    done
    return 1
}

bare_venv() {       # bare_venv DIR: without ensurepip and without root, pip comes from elsewhere
    local python
    if python=$(python_with 'venv, ensurepip'); then
        "$python" -m venv "$1"
        return
    fi
    if root && [ -x /usr/bin/apt-get ]; then
        apt_install python3 python3-venv || die "apt-get could not install python3-venv"
        python=$(python_with 'venv, ensurepip') || die "needs Python 3.11 or newer with venv"
        "$python" -m venv "$1"
        return
    fi
    python=$(python_with venv) || die "needs Python 3.11 or newer (Debian: apt-get install python3-venv)"
    say "this Python has no ensurepip (Debian: apt-get install python3-venv); fetching pip"
    "$python" -m venv --without-pip "$1"
    "$python" -m pip --python "$1/bin/python" install -q pip 2>/dev/null ||
        "$python" - "$1/get-pip.py" <<'PY' && "$1/bin/python" "$1/get-pip.py" -q ||
import sys, urllib.request
urllib.request.urlretrieve('https://bootstrap.pypa.io/get-pip.py', sys.argv[1])
PY
        die "pip could not be fetched; install python3-venv (Debian) and try again"
}

make_venv() {       # make_venv DIR REQUIREMENT...: made again when setup.cfg or the checkout's place changes
    local venv=$1 want stamp=$1/.made-from
    shift
    want=$({ cat setup.cfg setup.py pyproject.toml 2>/dev/null || true; } | sha256sum | cut -d' ' -f1)
    if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want $PWD" ]; then
        return
    fi
    say "virtual environment $venv, a minute or two"
    mkdir -p "$(dirname "$venv")"
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 || bare_venv "$venv"
    if ! "$venv/bin/python" -m pip --disable-pip-version-check install -q --progress-bar off \
            "$@" >"$venv/pip.log" 2>&1; then
        tail -30 "$venv/pip.log" >&2
        die "pip install failed; all of it is in $venv/pip.log"
    fi
    echo "$want $PWD" >"$stamp"
}
