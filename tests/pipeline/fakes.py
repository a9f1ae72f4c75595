"""A small folder of installed packages, made by hand: a real tree on the disk that the real source reads."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FakePackage:
    """One package: what its METADATA says, and its files.

    ``repository`` is ``owner/name`` on GitHub or a whole address; None leaves the address out. ``licence`` goes into
    License-Expression; None leaves it out. ``files`` maps paths below site-packages to their content. ``extra`` are
    further lines of METADATA, ``record`` further rows of RECORD that name no file made here.
    """

    name: str
    repository: str | None
    licence: str | None = "MIT"
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    version: str = "1.0"
    extra: Sequence[str] = ()
    record: Sequence[str] = ()


def default_packages() -> list[FakePackage]:
    """Three owners; alpha with two repositories, gamma under the GPL; one file stands in two repositories."""
    shared = "def clamp(value, low, high):\n    return max(low, min(value, high))\n" * 4
    return [
        FakePackage(
            "alpha-one",
            "Alpha/one",
            "MIT",
            {
                "alpha_one/__init__.py": '"""Alpha, the first."""\n\nfrom alpha_one.clamp import clamp\n',
                "alpha_one/clamp.py": shared,
                "alpha_one/only.py": "ALPHA_MARKER = 'zq4w-alpha-one-only-zq4w'\n\n\ndef alpha() -> str:\n    return ALPHA_MARKER\n",
                "alpha_one/static/app.js": "export function add(a, b) {\n  return a + b;\n}\n",
            },
        ),
        FakePackage(
            "alpha-two",
            "https://github.com/alpha/two",
            "Apache-2.0 OR MIT",
            {"alpha_two/__init__.py": "def two() -> int:\n    '''Two, as a number.'''\n    return 1 + 1\n"},
        ),
        FakePackage(
            "beta",
            "https://gitlab.com/beta/tools",
            "BSD-3-Clause",
            {
                "beta/clamp.py": shared,
                "beta/scale.c": "#include <stddef.h>\n\ndouble scale(double value, double by) {\n    return value * by;\n}\n",
                "beta/main.py": "import sys\n\n\ndef main() -> int:\n    print(len(sys.argv))\n    return 0\n",
            },
        ),
        FakePackage(
            "gamma",
            "gamma/gamma",
            "GPL-3.0-only",
            {"gamma/core.py": "def strong_copyleft():\n    return 'this file may not enter a release'\n"},
        ),
    ]


def make_site_packages(root: Path, packages: Sequence[FakePackage] | None = None) -> Path:
    """Write these packages (:func:`default_packages` where None) below ``root`` as an installer would, and give ``root``."""
    for package in default_packages() if packages is None else packages:
        folder = root / f"{package.name.replace('-', '_')}-{package.version}.dist-info"
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["Metadata-Version: 2.4", f"Name: {package.name}", f"Version: {package.version}"]
        if package.repository:
            address = package.repository if "://" in package.repository else f"https://github.com/{package.repository}"
            lines.append(f"Project-URL: Source, {address}")
        if package.licence:
            lines.append(f"License-Expression: {package.licence}")
        (folder / "METADATA").write_text(
            "\n".join([*lines, *package.extra, "", f"About {package.name}."]), encoding="utf-8"
        )
        for path, content in package.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        rows = io.StringIO()
        csv.writer(rows, lineterminator="\n").writerows(
            [path, "", ""]
            for path in [*package.files, *package.record, f"{folder.name}/METADATA", f"{folder.name}/RECORD"]
        )
        (folder / "RECORD").write_text(rows.getvalue(), encoding="utf-8")
    return root
