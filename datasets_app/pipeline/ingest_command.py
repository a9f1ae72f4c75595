"""``python -m datasets_app.pipeline ingest``: any kind of source into a corpus, from the command line."""

import argparse
from pathlib import Path

from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.accounts import WithAccounts
from datasets_app.pipeline.sources.archives import PackageArchives
from datasets_app.pipeline.sources.base import Source
from datasets_app.pipeline.sources.git import GitOptions, GitRepositories
from datasets_app.pipeline.sources.git_process import PROTOCOLS
from datasets_app.pipeline.sources.installed import InstalledPackages
from datasets_app.pipeline.sources.parquet import ParquetRows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The kind of source, at most one, and how it is read."""
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--packages", type=Path, action="append", help="a site-packages folder; this environment's if left out"
    )
    kinds.add_argument("--git", type=Path, metavar="FOLDER", help="a folder of bare or working clones")
    kinds.add_argument("--clone", action="append", metavar="ADDRESS", help="a repository of git to clone")
    kinds.add_argument(
        "--parquet", type=Path, nargs="+", metavar="PATH", help="files, or folders, of The Stack or starcoderdata"
    )
    kinds.add_argument("--archives", type=Path, metavar="FOLDER", help="a folder of source distributions and wheels")
    parser.add_argument("--name", help="of the source; its kind if left out")
    parser.add_argument("--commit", help="with --git or --clone: a branch, tag or hash")
    parser.add_argument("--shallow", action="store_true", help="with --clone: the one commit, without its history")
    parser.add_argument(
        "--forge", default="github.com", help="with --git: of clones of which only owner/name tells the owner"
    )
    parser.add_argument(
        "--protocol", action="append", choices=PROTOCOLS, help="with --clone: one that is allowed; https if left out"
    )
    parser.add_argument(
        "--author-key", type=Path, metavar="FILE", help="with --git or --clone: the secret for hashes of authors"
    )
    parser.add_argument(
        "--all-releases", action="store_true", help="with --archives: every version, not the newest alone"
    )
    parser.add_argument(
        "--accounts", type=Path, metavar="FILE", help="numbers of accounts, a JSON object by forge/login"
    )
    parser.add_argument(
        "--scratch", type=Path, metavar="FOLDER", help="for clones and sorting; the system's own if left out"
    )


def source_of(options: argparse.Namespace) -> Source:
    """The source that these options name.

    Raises:
        SourceError: It cannot be read so.
        ValueError: An option is wrong.
    """
    source = _plain_source(options)
    return WithAccounts(source, options.accounts) if options.accounts else source


def _plain_source(options: argparse.Namespace) -> Source:
    if options.parquet:
        return ParquetRows(options.name or "parquet", tuple(options.parquet), options.scratch)
    if options.archives:
        return PackageArchives(
            options.name or "archives", options.archives, all_releases=options.all_releases, scratch=options.scratch
        )
    if options.git or options.clone:
        return GitRepositories(
            options.name or "git",
            folder=options.git,
            addresses=tuple(options.clone or ()),
            scratch=options.scratch,
            options=GitOptions(
                commit=options.commit,
                history=not options.shallow,
                author_key=_key(options.author_key),
                forge=options.forge,
                protocols=tuple(options.protocol or ("https",)),
            ),
        )
    return InstalledPackages(
        options.name or "installed-packages", paths=tuple(options.packages) if options.packages else None
    )


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise SourceError(f"The key for the hashes of authors, {path}, cannot be read: {error.strerror}.") from error


def run(options: argparse.Namespace, progress: Progress) -> int:
    """Ingest, print what was taken and left out, and give the exit status."""
    report = ingest(
        source_of(options),
        options.corpus,
        blocked_owners=frozenset(options.block_owner),
        blocked_repositories=frozenset(options.block_repository),
        blocked_blobs=frozenset(options.block_blob),
        blocked_authors=frozenset(options.block_author),
        progress=progress,
    )
    print(
        f"{report.files} files of {len(report.repositories)} repositories, {report.bytes} bytes, {report.new_blobs} new blobs"
    )
    for reason, files in report.skipped.items():
        print(f"  skipped {files}: {reason}")
    for note in report.notes:
        print(f"  {note}")
    return 0
