"""From a row of ``Source`` to the engine's reader of it."""

from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from datasets_app.pipeline.sources.base import Source as Reader
from datasets_app.pipeline.sources.installed import InstalledPackages

KINDS = {"installed-packages": "the packages installed in a Python environment"}


def open_source(name: str, kind: str, params: dict[str, Any]) -> Reader:
    """The engine's reader for a source.

    Args:
        name: The slug under which its files stand in the corpus.
        kind: A key of ``KINDS``.
        params: For installed packages: ``paths``, the site-packages folders; those of this Python where absent.

    Raises:
        InvalidInput: The kind or a parameter is unknown.
    """
    if kind not in KINDS:
        raise InvalidInput(f"There is no reader for “{kind}”. There are: {', '.join(KINDS)}.", "kind")
    unknown = params.keys() - {"paths"}
    if unknown:
        raise InvalidInput(f"A source of installed packages has no parameter {', '.join(sorted(unknown))}.", "params")
    paths = params.get("paths")
    if paths is not None and not (isinstance(paths, list) and all(isinstance(path, str) for path in paths)):
        raise InvalidInput("“paths” is a list of folders.", "params")
    return InstalledPackages(name, paths=tuple(Path(path) for path in paths) if paths is not None else None)
