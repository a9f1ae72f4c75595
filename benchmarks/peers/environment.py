"""The environment that the peers live in: made in the cache folder from ``requirements.txt``, once for each state of that file."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.corpus import cache_folder

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def python() -> Path:
    """The Python of the peers' environment, which is made where it is not there (a minute or two, 1.3 GB)."""
    listed = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"peers-{listed}"
    whole = folder / "whole"
    interpreter = folder / "bin" / "python"
    if not whole.exists():
        print(f"installing the peers into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(interpreter), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(REQUIREMENTS)]
        environment = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        subprocess.run(install, check=True, env=environment)
        whole.touch()
    return interpreter
