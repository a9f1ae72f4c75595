"""The corpus of the curation benchmarks: source releases of popular packages, unpacked without running anything.

    .venv/bin/python benchmarks/corpus.py            about 100,000 files, 1.5 GB
    .venv/bin/python benchmarks/corpus.py --quick    about 10,000 of them, 150 MB

The releases, each with the SHA-256 of its archive, stand in ``corpus_releases.txt``; some projects are there with two
releases, as near-duplicates are what one of the benchmarks is about. Archives come from the index that pip is set up to use.
What is not UTF-8 text without NUL, is empty, or is over 1 MiB stays in its archive: no engine compared here reads it.
The folder is ``FAIRSTACK_BENCH``, else ``~/.cache/fairstack-bench``. A run that was stopped goes on where it was.
"""

import argparse
import json
import os
import shutil
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.package_index import NotOnIndex, PackageIndex

LIST = Path(__file__).with_name("corpus_releases.txt")
LARGEST = 1 << 20  # bytes of a file that is unpacked
CONNECTIONS = 4


@dataclass(frozen=True)
class SourceRelease:
    """One release of a project: the SHA-256 (hex) of its source archive, and whether the quick corpus has it."""

    project: str
    version: str
    sha256: str
    quick: bool

    @property
    def name(self) -> str:
        """The folder it is unpacked into."""
        return f"{self.project}-{self.version}"


def releases(*, quick: bool) -> list[SourceRelease]:
    """The releases of the corpus, in the order of the list."""
    found = []
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            project, version, sha256, *marks = line.split()
            found.append(SourceRelease(project, version, sha256, marks == ["quick"]))
    return [release for release in found if release.quick or not quick]


def cache_folder() -> Path:
    """Where archives, texts and the peers' environments are kept between runs."""
    named = os.environ.get("FAIRSTACK_BENCH")
    return Path(named) if named else Path.home() / ".cache" / "fairstack-bench"


def files_of(folder: Path) -> list[Path]:
    """All files below a folder, in the order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def ensure(*, quick: bool) -> list[Path]:
    """Download and unpack what is missing, and give the folders of the releases.

    Raises:
        NotOnIndex: A release is gone from the index, or its archive has changed.
    """
    wanted = releases(quick=quick)
    sources = cache_folder() / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    todo = [release for release in wanted if not (sources / release.name).exists()]
    if todo:
        index = PackageIndex()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for number, archive in enumerate(pool.map(lambda release: _download(index, release), todo)):
                print(f"\r{number + 1}/{len(todo)} {todo[number].name:<40}", end="", file=sys.stderr, flush=True)
                unpack(archive, sources / todo[number].name)
        print(file=sys.stderr)
    return [sources / release.name for release in wanted]


def _download(index: PackageIndex, release: SourceRelease) -> Path:
    folder = cache_folder() / "archives"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{release.name}.tar.gz"
    if not target.exists():
        listed = [archive for archive in index.archives(release.project) if archive.sha256 == release.sha256]
        if not listed:
            raise NotOnIndex(f"The package index no longer has the source archive of {release.name} that is listed.")
        index.fetch(listed[0], target, release.sha256)
    return target


def unpack(archive: Path, target: Path) -> None:
    """Write the texts of a source archive below ``target``, which appears only once it is whole.

    Only plain files that stay below the target are written, as the data filter of :mod:`tarfile` has it.
    """
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if not member.isfile() or not 0 < member.size <= LARGEST:
                continue
            safe = tarfile.data_filter(member, str(part))
            handle = tar.extractfile(member)
            content = handle.read() if handle else b""
            if is_text(content):
                path = part / Path(*Path(safe.name).parts[1:])  # without the archive's own top folder
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    part.rename(target)


def is_text(content: bytes) -> bool:
    """Whether bytes are UTF-8 without NUL."""
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the quick corpus alone")
    options = parser.parse_args()
    start = time.perf_counter()
    folders = ensure(quick=options.quick)
    seconds = time.perf_counter() - start
    print(f"{'release':<40}{'files':>8}{'MB':>9}")
    files = size = 0
    for folder in folders:
        sizes = [path.stat().st_size for path in files_of(folder)]
        files, size = files + len(sizes), size + sum(sizes)
        print(f"{folder.name:<40}{len(sizes):>8,}{sum(sizes) / 1e6:>9.1f}")
    print(f"{'all':<40}{files:>8,}{size / 1e6:>9.1f}\n")
    projects = {release.project for release in releases(quick=options.quick)}
    figures = {"releases": len(folders), "projects": len(projects), "files": files, "mb": round(size / 1e6, 1)}
    print(json.dumps(figures | {"seconds": round(seconds, 1), "folder": str(cache_folder() / "sources")}))


if __name__ == "__main__":
    main()
