"""From a row of ``Source`` to the engine's reader of it: the kinds of source, their parameters, and what this site allows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from core.errors import InvalidInput
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.sources.accounts import WithAccounts
from datasets_app.pipeline.sources.archives import PackageArchives
from datasets_app.pipeline.sources.base import Source as Reader
from datasets_app.pipeline.sources.git import GitOptions, GitRepositories
from datasets_app.pipeline.sources.installed import InstalledPackages
from datasets_app.pipeline.sources.parquet import ParquetRows

INSTALLED, GIT_FOLDER, GIT_ADDRESSES, PARQUET, ARCHIVES = (
    "installed-packages",
    "git-folder",
    "git-addresses",
    "parquet",
    "archives",
)
KINDS = {
    INSTALLED: "the packages installed in a Python environment",
    GIT_FOLDER: "a folder of git repositories",
    GIT_ADDRESSES: "git repositories, cloned from their addresses",
    PARQUET: "Parquet files of The Stack v1, The Stack v2 with contents, or starcoderdata",
    ARCHIVES: "a folder of package archives: source distributions and wheels",
}
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*\.[a-z0-9-]+")


@dataclass(frozen=True)
class Parameter:
    """What a kind of source may be told. ``type`` is ``str``, ``bool`` or ``list`` (of texts)."""

    type: type
    required: bool = False
    is_path: bool = False


_ACCOUNTS = {"accounts": Parameter(str, is_path=True)}
_FOLDER = {"folder": Parameter(str, required=True, is_path=True)}
PARAMETERS: dict[str, dict[str, Parameter]] = {
    INSTALLED: {"paths": Parameter(list, is_path=True), **_ACCOUNTS},
    GIT_FOLDER: {**_FOLDER, "commit": Parameter(str), "forge": Parameter(str), **_ACCOUNTS},
    GIT_ADDRESSES: {
        "addresses": Parameter(list, required=True),
        "commit": Parameter(str),
        "history": Parameter(bool),
        **_ACCOUNTS,
    },
    PARQUET: {"paths": Parameter(list, required=True, is_path=True), **_ACCOUNTS},
    ARCHIVES: {**_FOLDER, "all_releases": Parameter(bool), **_ACCOUNTS},
}
"""By kind; docs/sources.md tells what each means."""


def open_source(name: str, kind: str, params: Mapping[str, Any], scratch: Path | None = None) -> Reader:
    """The engine's reader for a source.

    Args:
        name: The slug under which its files stand in the corpus.
        kind: A key of ``KINDS``.
        params: As in ``PARAMETERS``; those that are empty count as absent.
        scratch: A folder for clones and the like; the system's own where None.

    Raises:
        InvalidInput: The kind or a parameter is unknown, missing or wrong; ``field`` names it.
    """
    check_params(kind, params)
    reader = _opened(name, kind, params, scratch)
    return WithAccounts(reader, Path(params["accounts"])) if params.get("accounts") else reader


def check_params(kind: str, params: Mapping[str, Any]) -> None:
    """Raise ``InvalidInput``, which names the field, unless these are parameters of this kind."""
    if kind not in KINDS:
        raise InvalidInput(f"There is no reader for “{kind}”. There are: {', '.join(KINDS)}.", "kind")
    known = PARAMETERS[kind]
    for field in sorted(params.keys() - known.keys()):
        raise InvalidInput(
            f"A source of the kind {kind} has no parameter “{field}”. It has: {', '.join(known)}.", field
        )
    for field, parameter in known.items():
        value = params.get(field)
        if value is None or value in ("", []):
            if parameter.required:
                raise InvalidInput(f"A source of the kind {kind} needs “{field}”.", field)
            continue
        if type(value) is not parameter.type:
            raise InvalidInput(f"“{field}” is {_WORDS[parameter.type]}.", field)
        texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        if not all(isinstance(text, str) and text.strip() and text.isprintable() for text in texts):
            raise InvalidInput(f"“{field}” has an empty line, or characters that cannot be written.", field)


_WORDS = {str: "one text", bool: "yes or no", list: "a list of texts"}


def _opened(name: str, kind: str, params: Mapping[str, Any], scratch: Path | None) -> Reader:
    if kind in (GIT_FOLDER, GIT_ADDRESSES):
        options = _git_options(params)
        if kind == GIT_FOLDER:
            return GitRepositories(name, folder=Path(params["folder"]), scratch=scratch, options=options)
        try:
            return GitRepositories(name, addresses=tuple(params["addresses"]), scratch=scratch, options=options)
        except SourceError as error:
            raise InvalidInput(str(error), "addresses") from error
    if kind == PARQUET:
        return ParquetRows(name, tuple(Path(path) for path in params["paths"]), scratch)
    if kind == ARCHIVES:
        all_releases = bool(params.get("all_releases"))
        return PackageArchives(name, Path(params["folder"]), all_releases=all_releases, scratch=scratch)
    paths = params.get("paths")
    return InstalledPackages(name, paths=tuple(Path(path) for path in paths) if paths else None)


def _git_options(params: Mapping[str, Any]) -> GitOptions:
    forge = (params.get("forge") or "github.com").lower()
    if not _HOST.fullmatch(forge):
        raise InvalidInput("“forge” is the name of a host, such as github.com.", "forge")
    try:
        return GitOptions(
            commit=params.get("commit") or None,
            history=params.get("history", True),
            author_key=settings.FAIRSTACK_KEY.encode(),
            forge=forge,
            protocols=tuple(settings.FAIRSTACK_SOURCE_PROTOCOLS),
        )
    except ValueError as error:
        raise InvalidInput(str(error), "commit") from error


def check_roots(kind: str, params: Mapping[str, Any]) -> None:
    """Raise ``InvalidInput`` unless every path among the parameters exists below a folder that this site allows.

    For what comes by page or API: who may ingest need not be who may read every file of the machine.
    """
    roots = [Path(root).resolve() for root in settings.FAIRSTACK_SOURCE_ROOTS]
    for field, parameter in PARAMETERS.get(kind, {}).items():
        value = params.get(field)
        if not parameter.is_path or not value:
            continue
        for text in value if isinstance(value, list) else [value]:
            path = Path(text)
            if not roots:
                raise InvalidInput(
                    "This site reads no folders by page or API: FAIRSTACK_SOURCE_ROOTS names none. Use manage.py ingest there.",
                    field,
                )
            if not path.is_absolute() or not any(path.resolve().is_relative_to(root) for root in roots):
                allowed = ", ".join(map(str, roots))
                raise InvalidInput(f"“{text}” does not lie below a folder that is allowed here: {allowed}.", field)
            if any(path.resolve().is_relative_to(own) or own.is_relative_to(path.resolve()) for own in _own_folders()):
                raise InvalidInput(
                    f"“{text}” holds, or lies in, what this site keeps itself: its data or its keys.", field
                )
            if not path.exists():
                raise InvalidInput(f"There is no “{text}”.", field)


def _own_folders() -> list[Path]:
    return [Path(folder).resolve() for folder in (settings.FAIRSTACK_DATA, settings.FAIRSTACK_KEYS)]
