"""The licences that this site knows, as data: one folder each in ``modelzoo/data/licences``.

``licence.json`` names key, title and versions; each version names the file with its full text, the notice under which we pass
the text on, and our own summary of restrictions and duties. A further licence, or a new version, is a change of data alone.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "licences"
FRONT = "---\n"


@dataclass(frozen=True)
class LicenceText:
    """One version of a licence's terms. Fields as in ``models.LicenceTerms``."""

    key: str
    version: int
    title: str
    text: str
    notice: str
    address: str
    restrictions: list[str]
    duties: list[str]

    @property
    def sha256(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_all(folder: Path = FOLDER) -> Iterator[LicenceText]:
    """Every version of every licence, older versions first."""
    for path in sorted(folder.glob("*/licence.json")):
        described = json.loads(path.read_text())
        for version in sorted(described["versions"], key=lambda version: version["version"]):
            yield LicenceText(
                key=described["key"],
                version=version["version"],
                title=described["title"],
                text=without_front_matter((path.parent / version["file"]).read_text()),
                notice=version["notice"],
                address=version["address"],
                restrictions=version["restrictions"],
                duties=version["duties"],
            )


def without_front_matter(text: str) -> str:
    """The licence's own words: the file without the catalogue's block of ``key: value`` lines before them."""
    if not text.startswith(FRONT):
        return text
    return text.split(FRONT, 2)[2].lstrip("\n")
