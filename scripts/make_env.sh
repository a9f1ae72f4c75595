#!/bin/sh
# Makes or refreshes .venv from requirements/. Usage: scripts/make_env.sh [dev]
# PYTHON= names the interpreter; TORCH_INDEX= an index of CPU builds of torch, for a Linux machine without a GPU.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3.11 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "Fairstack needs Python 3.11, and none was found on PATH. Install it, or name it: make run PYTHON=/path/to/python3.11" >&2
    exit 1
fi
if [ ! -x .venv/bin/python ]; then
    echo "Making .venv with $("$python" --version)"
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "That Python cannot make environments. On Debian and Ubuntu: apt-get install python3.11-venv" >&2
        exit 1
    fi
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
echo "Installing pinned requirements (torch is large: the first time takes minutes)"
set -- "${1:-}"
pip install --progress-bar on ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
    -c requirements/constraints.txt -r requirements/runtime.txt
pip install --quiet --no-deps --require-hashes -r requirements/whoosh.txt
touch .venv/.runtime
if [ "$1" = dev ]; then
    pip install --quiet -c requirements/constraints.txt -r requirements/dev.txt
    touch .venv/.dev
fi
