"""Real archives of packages, well-made and malicious, written by the standard library."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Content = str | bytes


def metadata(
    name: str, version: str, repository: str | None, licence: str | None = "MIT", extra: Sequence[str] = ()
) -> str:
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *extra]
    if repository:
        lines.append(f"Project-URL: Source, https://github.com/{repository}")
    if licence:
        lines.append(f"License-Expression: {licence}")
    return "\n".join([*lines, "", "About it."])


def sdist(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, Content],
    repository: str | None = "acme/tool",
    licence: str | None = "MIT",
    ending: str = ".tar.gz",
    more: Callable[[tarfile.TarFile], None] | None = None,
) -> Path:
    """A source distribution; ``more`` may add to the tar what no build tool would."""
    folder.mkdir(parents=True, exist_ok=True)
    top = f"{name}-{version}"
    path = folder / f"{top}{ending}"
    whole = {"PKG-INFO": metadata(name, version, repository, licence), **files}
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for inner, content in whole.items():
                archive.writestr(f"{top}/{inner}", content)
        return path
    with tarfile.open(path, f"w:{ending.rpartition('.')[2].replace('tgz', 'gz')}") as archive:
        archive.addfile(tar_entry(top, type=tarfile.DIRTYPE))
        for inner, content in whole.items():
            add(archive, f"{top}/{inner}", content)
        if more is not None:
            more(archive)
    return path


def add(archive: tarfile.TarFile, path: str, content: Content) -> None:
    raw = content.encode() if isinstance(content, str) else content
    archive.addfile(tar_entry(path, size=len(raw)), io.BytesIO(raw))


def tar_entry(path: str, **fields: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    for name, value in fields.items():
        setattr(entry, name, value)
    return entry


def wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, Content],
    repository: str | None = "acme/tool",
    licence: str | None = "MIT",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in files.items():
            archive.writestr(inner, content)
        archive.writestr(f"{info}/METADATA", metadata(name, version, repository, licence))
        archive.writestr(f"{info}/RECORD", "")
    return path
