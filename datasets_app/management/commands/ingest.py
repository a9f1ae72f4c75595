"""``manage.py ingest [source]``: read a source into the corpus, here and now."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.permissions import SYSTEM
from datasets_app import readers
from datasets_app.console import run_job, telling
from datasets_app.pipeline.sources.base import SKIP_REASONS
from datasets_app.services import sources


class Command(BaseCommand):
    """Thin over ``services.sources``. On the machine itself any path may be named."""

    help = (
        "Read a source into the corpus. Without a name: the packages installed in this Python. "
        "With --git, --clone, --parquet, --archives or --path the source is named, or changed, first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The source, and how it is read."""
        parser.add_argument("source", nargs="?", default=sources.INSTALLED)
        kinds = parser.add_mutually_exclusive_group()
        kinds.add_argument("--path", action="append", help="A site-packages folder.")
        kinds.add_argument("--git", metavar="FOLDER", help="A folder of bare or working clones.")
        kinds.add_argument("--clone", action="append", metavar="ADDRESS", help="A repository of git to clone.")
        kinds.add_argument(
            "--parquet", nargs="+", metavar="PATH", help="Files, or folders, of The Stack or starcoderdata."
        )
        kinds.add_argument("--archives", metavar="FOLDER", help="A folder of source distributions and wheels.")
        parser.add_argument("--commit", help="With --git or --clone: a branch, tag or hash.")
        parser.add_argument("--forge", help="With --git: of clones of which only owner/name tells the owner.")
        parser.add_argument("--shallow", action="store_true", help="With --clone: the one commit, without its history.")
        parser.add_argument("--all-releases", action="store_true", help="With --archives: not the newest alone.")
        parser.add_argument("--accounts", metavar="FILE", help="Numbers of accounts: a JSON object by forge/login.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ingest with progress on the terminal."""
        with telling():
            if (told := kind_and_params(options)) is not None:
                if options["source"] == sources.INSTALLED and told[0] != sources.INSTALLED:
                    raise CommandError(f"Name the source: manage.py ingest NAME --{told[0].partition('-')[0]} …")
                sources.add_source(SYSTEM, options["source"], *told)
            figures = run_job(sources.start_ingest(SYSTEM, options["source"]), self.stderr)
        self.stdout.write(
            f"{options['source']}: {figures['files']:,} files of {figures['repositories']:,} repositories "
            f"by {figures['owners']:,} owners; {figures['new_blobs']:,} blobs are new."
        )
        for reason, files in figures["skipped"].items():
            self.stdout.write(f"  left out {files:,}: {SKIP_REASONS[reason]}")


def kind_and_params(options: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The kind of source that the options name, with its parameters; None where they name none.

    Raises:
        CommandError: An option is of another kind of source.
    """
    given = {name: options[name] for name in ("commit", "forge", "accounts", "all_releases") if options[name]}
    if options["shallow"]:
        given["history"] = False
    for option, kind, field in (
        ("path", readers.INSTALLED, "paths"),
        ("git", readers.GIT_FOLDER, "folder"),
        ("clone", readers.GIT_ADDRESSES, "addresses"),
        ("parquet", readers.PARQUET, "paths"),
        ("archives", readers.ARCHIVES, "folder"),
    ):
        if options[option]:
            value = options[option]
            if option != "clone":
                value = (
                    [str(Path(path).absolute()) for path in value]
                    if isinstance(value, list)
                    else str(Path(value).absolute())
                )
            return kind, {field: value, **given}
    if given:
        raise CommandError(
            f"--{next(iter(given)).replace('_', '-')} says how a source is read: name the source's kind too."
        )
    return None
