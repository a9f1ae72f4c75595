"""A forge on this disk: bare git repositories below a folder, read by real git through file:// addresses."""

import os
import subprocess
import tempfile
from pathlib import Path

from portal.proofs.challenge import FILE_NAME


class LocalForge:
    """Bare repositories at ``<root>/<owner>/<repository>.git``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def template(self) -> str:
        """What FAIRSTACK_FORGES says of it."""
        return f"file://{self.root}/{{owner}}/{{repository}}.git"

    def settings(self, forge: str = "github.com") -> dict[str, str]:
        """A value for FAIRSTACK_FORGES."""
        return {forge: self.template}

    def push(
        self, owner: str, repository: str, files: dict[str, str | bytes], links: dict[str, str] | None = None
    ) -> Path:
        """Make a bare repository whose default branch holds these files in one commit."""
        bare = self.root / owner / f"{repository}.git"
        bare.mkdir(parents=True, exist_ok=True)
        self._git(bare, "init", "--quiet", "--bare", "--initial-branch=main", ".")
        self._git(bare, "config", "uploadpack.allowFilter", "true")
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            self._git(work, "init", "--quiet", "--initial-branch=main", ".")
            for path, content in files.items():
                target = work / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode() if isinstance(content, str) else content)
            for path, to in (links or {}).items():
                (work / path).symlink_to(to)
            self._git(work, "add", "--all")
            self._git(
                work,
                "-c",
                "user.name=T",
                "-c",
                "user.email=t@localhost",
                "commit",
                "--quiet",
                "-m",
                "All",
                "--allow-empty",
            )
            self._git(work, "push", "--quiet", "--force", str(bare), "main")
        return bare

    def prove(self, owner: str, repository: str, challenge: str) -> Path:
        """A repository with the challenge file."""
        return self.push(owner, repository, {"README.md": "Hello\n", FILE_NAME: f"{challenge}\n"})

    def _git(self, where: Path, *arguments: str) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *arguments], cwd=where, env=environment, check=True, capture_output=True)
