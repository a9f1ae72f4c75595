"""Numbers of accounts for sources that tell none: a table of logins that staff give.

An account's number on its forge outlives its login. A source whose owners get their number keeps their key when an account is
renamed; no source of code brings these numbers itself (The Stack's ``github_id`` numbers repositories).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.base import RepositoryRecord, Source, SourceFile

LIMIT = 256 << 20  # bytes: some ten million logins


def read_accounts(path: Path) -> dict[str, str]:
    """Numbers by ``forge/login`` folded to lower case, from a JSON object such as ``{"github.com/octocat": 583231}``.

    Raises:
        SourceError: The file is not there, or is none such.
    """
    try:
        if path.stat().st_size > LIMIT:
            raise SourceError(f"The table of accounts {path} is larger than {LIMIT:,} bytes. Split the source.")
        table = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"The table of accounts {path} cannot be read as JSON: {error}.") from error
    good = isinstance(table, dict) and all(
        "/" in key and isinstance(value, int | str) and str(value).isascii() and str(value).isdigit()
        for key, value in table.items()
    )
    if not good:
        raise SourceError(
            f"The table of accounts {path} must be a JSON object of numbers by forge and login, "
            'such as {"github.com/octocat": 583231}.'
        )
    return {key.casefold(): str(value) for key, value in table.items()}


class WithAccounts:
    """A source whose owners get their account's number where the table has it.

    Two repositories of the inner source that turn out to be one (an account under its old and its new login) come as one.

    Args:
        inner: The source.
        accounts: The file that :func:`read_accounts` reads, at each reading of the source.
    """

    def __init__(self, inner: Source, accounts: Path) -> None:
        self._inner = inner
        self._accounts = accounts
        self._twice = 0

    @property
    def name(self) -> str:
        """The inner source's."""
        return self._inner.name

    @property
    def notes(self) -> list[str]:
        """The inner source's, and how many repositories came under two logins."""
        told = [f"{self._twice} repositories came again under another login of their account and were left out"]
        return list(self._inner.notes) + (told if self._twice else [])

    @property
    def expected_files(self) -> int:
        """The inner source's."""
        return self._inner.expected_files

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """Those of the inner source, each key once: the first that came.

        Raises:
            SourceError: The table or the inner source cannot be read.
        """
        accounts = read_accounts(self._accounts)
        seen: set[str] = set()
        self._twice = 0
        for record, files in self._inner.repositories(progress):
            number = accounts.get(f"{record.forge}/{record.owner}".casefold(), record.account_id)
            numbered = replace(record, account_id=number)
            if numbered.repository_key in seen:
                self._twice += 1
                continue
            if number:
                seen.add(numbered.repository_key)
            yield numbered, files
