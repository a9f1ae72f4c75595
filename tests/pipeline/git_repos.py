"""Real repositories of git, made by the system's git for one test."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

MIT = (
    "MIT License\n\nCopyright (c) 2024 Somebody\n\n"
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation "
    'files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, '
    "modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the "
    "Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission "
    "notice shall be included in all copies or substantial portions of the Software.\n\n"
    'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE '
    "WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR "
    "COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR "
    "OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n"
)
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d" * 32 + "\nsize 12345\n"


class Repository:
    """A working clone at ``folder`` that is made commit by commit."""

    def __init__(self, folder: Path, origin: str = "", options: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._clock = 1_700_000_000
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)
        if origin:
            self.git("remote", "add", "origin", origin)

    def git(self, *arguments: str, author: str = "ada@example.org") -> str:
        name = author.partition("@")[0]
        when = f"{self._clock} +0000"
        self._clock += 60
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": author,
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_NAME": "robot",
            "GIT_COMMITTER_EMAIL": "robot@example.org",
            "GIT_COMMITTER_DATE": when,
        }
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(
        self, files: Mapping[str | bytes, str | bytes | None], author: str = "ada@example.org", message: str = "work"
    ) -> str:
        """Write these files (None deletes one), commit everything, and give the hash."""
        for path, content in files.items():
            target = self.folder / os.fsdecode(path)
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, author=author)
        return self.git("rev-parse", "HEAD")

    def bare(self, target: Path, *options: str) -> Path:
        """A bare clone of it, without an origin."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self.git("clone", "--quiet", "--bare", *options, f"file://{self.folder}", str(target))
        self.git("--git-dir", str(target), "config", "--remove-section", "remote.origin")
        return target
