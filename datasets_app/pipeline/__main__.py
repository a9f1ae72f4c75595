"""The engine's own command line: ``python -m datasets_app.pipeline <command>``.

Results go to standard output, progress and errors to standard error. It ends with 0 if all is well, 1 if something expected
went wrong or something was found that should not be there, 2 on a wrong command line.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from datasets_app.pipeline import attributes, ingest_command, manifest, mirror, purge, removal_feed, removals, storage
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.errors import PipelineError, StorageError
from datasets_app.pipeline.needs import needed
from datasets_app.pipeline.reasons import PUBLIC_TEXTS, REASONS
from datasets_app.pipeline.recipe import PRESETS, Recipe, preset
from datasets_app.pipeline.reissue import ReissueSpec, next_version, reissue
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NothingKept
from datasets_app.pipeline.scan import scan
from datasets_app.pipeline.storage import Place
from datasets_app.pipeline.verify import verify


class _Meter:
    """Progress on standard error: each message, and a line a second at most for the figures."""

    def __init__(self) -> None:
        self._told = 0.0

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Tell it, as ``progress.Progress`` says."""
        now = time.monotonic()
        if message or now - self._told >= 1:
            self._told = now
            print(f"{stage}: {done}/{total or '?'} {message}".rstrip(), file=sys.stderr)


def _recipe(text: str) -> Recipe:
    if text in PRESETS:
        return preset(text)
    try:
        return Recipe.from_dict(json.loads(Path(text).read_bytes()))
    except FileNotFoundError:
        raise argparse.ArgumentTypeError(f"{text} is neither a file nor one of {', '.join(PRESETS)}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _place(text: str) -> Place:
    try:
        return storage.at(text) if text.startswith("s3://") else Path(text)
    except StorageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m datasets_app.pipeline", description="Curation of source code.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    def corpus(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--corpus", type=Path, required=True, help="the folder of the corpus")

    def release(sub: argparse.ArgumentParser, anywhere: bool = False) -> None:
        where = "the folder of the releases" + (", or an address such as s3://bucket/prefix" if anywhere else "")
        sub.add_argument("--releases", type=_place if anywhere else Path, required=True, help=where)
        sub.add_argument("name", help="of the data set")
        sub.add_argument("version", help="of the release")

    def blocks(sub: argparse.ArgumentParser) -> None:
        for what in ("owner", "repository", "blob", "author"):
            sub.add_argument(
                f"--block-{what}", action="append", default=[], metavar="KEY", help=f"a {what} that may not enter"
            )

    sub = command("ingest", _ingest, "Take a source into the corpus; without one, the packages of this environment.")
    corpus(sub)
    blocks(sub)
    ingest_command.add_arguments(sub)

    sub = command("attributes", _attributes, "Compute the attributes of blobs that have none yet.")
    corpus(sub)
    sub.add_argument("--recipe", type=_recipe, default="demo", help="what is to be known: as for build")
    sub.add_argument("--workers", type=int)

    sub = command("build", _build, "Build a release.")
    corpus(sub)
    release(sub)
    blocks(sub)
    sub.add_argument("--recipe", type=_recipe, default="demo", help=f"a JSON file, or one of {', '.join(PRESETS)}")
    sub.add_argument("--blocklist-position", type=int, default=0)
    sub.add_argument("--parent", help="the version of the same data set to go on from")
    sub.add_argument("--workers", type=int)

    sub = command("reissue", _reissue, "Issue a release again without what is blocked.")
    corpus(sub)
    release(sub)
    blocks(sub)
    sub.add_argument("--as", dest="new", metavar="VERSION", help="its new version; 1.0+r1 after 1.0 if left out")
    sub.add_argument("--blocklist-position", type=int, default=0)
    sub.add_argument("--workers", type=int)

    sub = command("mirror", _mirror, "Copy a release to another folder or to a bucket, and read back what was copied.")
    release(sub)
    sub.add_argument("--to", type=_place, required=True, help="a folder, or an address such as s3://bucket/prefix")

    sub = command("verify", _verify, "Read a release back and compare it with its manifest.")
    release(sub, anywhere=True)

    sub = command("show", _show, "Show what a release holds, or one file of it.")
    release(sub, anywhere=True)
    sub.add_argument("--owner", help="list the files of this owner key")
    sub.add_argument("--repository", help="list the files of this repository key")
    sub.add_argument("--language", help="list the files of this language")
    sub.add_argument("--path", help="print this file of --repository")
    sub.add_argument("--offset", type=int, default=0)
    sub.add_argument("--limit", type=int, default=20)

    sub = command("purge", _purge, "Erase owners, repositories and blobs from the corpus, and withdraw releases.")
    corpus(sub)
    blocks(sub)
    sub.add_argument("--releases", type=Path, help="the folder of the releases; their decisions forget the names too")
    sub.add_argument(
        "--withdraw", nargs=2, action="append", default=[], metavar=("NAME", "VERSION"), help="a release to withdraw"
    )

    sub = command(
        "apply-removals", _apply_removals, "Take out of a downloaded release what the site's removal feed says."
    )
    sub.add_argument("feed", help="the address of the feed (https://.../removals/feed.json), or a file of it")
    sub.add_argument("folder", type=Path, help="the copy: manifest.json and the Parquet files of one release")
    sub.add_argument("--fingerprint", required=True, help="SHA-256 of the key that the feed must be signed with")

    sub = command("scan", _scan, "Look for bytes in every file below a folder, decoded too.")
    sub.add_argument("root", type=Path)
    sub.add_argument("--marker", action="append", required=True, help="text to look for")
    return parser


def _ingest(options: argparse.Namespace) -> int:
    return ingest_command.run(options, _Meter())


def _attributes(options: argparse.Namespace) -> int:
    report = attributes.compute(
        options.corpus, needed(options.corpus, options.recipe), progress=_Meter(), workers=options.workers
    )
    print(
        f"{report.blobs_computed} blobs computed in {report.cpu_seconds:.1f} CPU-seconds, {report.blobs_cached} were there"
    )
    return 0


def _build(options: argparse.Namespace) -> int:
    spec = BuildSpec(
        name=options.name,
        version=options.version,
        recipe=options.recipe,
        blocked_owners=frozenset(options.block_owner),
        blocked_repositories=frozenset(options.block_repository),
        blocked_blobs=frozenset(options.block_blob),
        blocked_authors=frozenset(options.block_author),
        blocklist_position=options.blocklist_position,
        parent=(options.name, options.parent) if options.parent else None,
    )
    _print_manifest(build(options.corpus, options.releases, spec, progress=_Meter(), workers=options.workers))
    return 0


def _reissue(options: argparse.Namespace) -> int:
    blocks = _blocks(options)
    new = options.new or next_version(options.version)
    spec = ReissueSpec(options.name, options.version, new, blocks, options.blocklist_position)
    _print_manifest(reissue(options.corpus, options.releases, spec, progress=_Meter(), workers=options.workers))
    return 0


def _print_manifest(found: manifest.Manifest) -> None:
    print(f"{found.name} {found.version}: {found.rows} files, {found.bytes} bytes, {len(found.shards)} shards")
    print(f"  bytes   {found.digest_bytes}\n  logical {found.digest_logical}\n  tree    {found.tree_root}")
    for funnel in found.funnel:
        print(f"  {funnel['files']:>9} {PUBLIC_TEXTS[funnel['reason']]}")
    for language in found.languages:
        print(f"  {language['files']:>9} {language['language']}, {language['bytes']} bytes")


def _mirror(options: argparse.Namespace) -> int:
    report = mirror.push(options.releases, storage.at(options.to), options.name, options.version, _Meter())
    print(f"{report.copied} files copied, {report.bytes} bytes; {report.shards} shards stand there")
    return 0


def _verify(options: argparse.Namespace) -> int:
    report = verify(options.releases, options.name, options.version, progress=_Meter())
    for problem in report.problems:
        print(problem)
    print(f"{report.rows} rows in {report.shards} shards: {'all is well' if report.ok else 'DAMAGED'}")
    return 0 if report.ok else 1


def _show(options: argparse.Namespace) -> int:
    if options.path is None and not (options.owner or options.repository or options.language):
        _print_manifest(manifest.load(options.releases, options.name, options.version))
        return 0
    release = Release.open(options.releases, options.name, options.version)
    if options.path is None:
        rows = release.files(
            language=options.language,
            owner_key=options.owner,
            repository_key=options.repository,
            offset=options.offset,
            limit=options.limit,
        )
        for row in rows:
            print(f"{row['repository_key']} {row['path']} {row['language']} {row['licence']} {row['size']}")
        return 0
    found = release.read_text(options.repository or "", options.path)
    if found is None:
        print(f"{options.repository} {options.path}: the release holds no such file", file=sys.stderr)
        return 1
    print(found["content"], end="")
    return 0


def _purge(options: argparse.Namespace) -> int:
    blocks = _blocks(options)
    owners, repositories, authors = blocks.owners, blocks.repositories, blocks.authors
    blobs = purge.blobs_to_remove(files_table(options.corpus), owners, repositories, blocks.blobs, authors)
    reports = [("corpus", purge.purge_corpus(options.corpus, blobs, owners, repositories, _Meter(), authors))]
    if options.releases:
        for name, version in options.withdraw:
            reports.append((f"{name} {version}", purge.withdraw_release(options.releases, name, version, _Meter())))
        reports.append(
            ("decisions", purge.forget_decisions(options.releases, owners, repositories, blocks.blobs, authors))
        )
    for what, report in reports:
        print(f"{what}: " + ", ".join(f"{key} {value}" for key, value in asdict(report).items()))
    return 0


def _blocks(options: argparse.Namespace) -> Blocks:
    return Blocks(
        *map(frozenset, (options.block_owner, options.block_repository, options.block_blob, options.block_author))
    )


def _apply_removals(options: argparse.Namespace) -> int:
    items = removal_feed.read_feed(removal_feed.pages(options.feed), options.fingerprint)
    print(f"The feed has {len(items)} items, and its signature is good.", file=sys.stderr)
    done = removals.apply(items, options.folder, _Meter())
    print("\n".join(removals.tell(done)))
    return 0


def _scan(options: argparse.Namespace) -> int:
    found = scan(options.root, [marker.encode() for marker in options.marker], progress=_Meter())
    for path in found:
        print(path)
    return 1 if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "purge" and options.withdraw and not options.releases:
        parser.error("--withdraw needs --releases")
    try:
        return options.run(options)
    except NothingKept as error:
        for row in error.funnel:
            print(f"  {row['files']:>9} {REASONS[row['reason']].text}", file=sys.stderr)
        print(f"error: {error}", file=sys.stderr)
    except (PipelineError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
