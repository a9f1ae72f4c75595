"""Reading a ledger over HTTP, as somebody outside does: checkpoint, keys, tiles, bundles of entries. Knows no Django."""

import json
import urllib.error
import urllib.request

from core import notes, tiles

TIMEOUT = 60  # seconds that a site may take for a file
MOST = 256 * (tiles.MOST + 2)  # bytes of the greatest file, a bundle


class Refused(Exception):
    """The ledger is not what it should be. The text says what is wrong with it."""


class Unreachable(Exception):
    """The site does not answer as it should, so that nothing can be said."""


class Site:
    """The files of a ledger over HTTP. ``address`` is the site's or the ledger's own."""

    def __init__(self, address: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise Unreachable(f"{address} is no address: it should begin with https:// or http://.")
        address = address.rstrip("/")
        self.ledger = address if address.endswith("/ledger") else f"{address}/ledger"
        self.site = self.ledger.removesuffix("/ledger")

    def read(self, path: str) -> bytes:
        """One file below the ledger's address."""
        return self._ask(urllib.request.Request(f"{self.ledger}/{path}"))  # noqa: S310 - http(s) alone, see above

    def text(self, path: str) -> str:
        """One file of text."""
        try:
            return self.read(path).decode()
        except UnicodeDecodeError:
            raise Unreachable(f"{self.ledger}/{path} is no text.") from None

    def tile(self, level: int, index: int, width: int) -> bytes:
        """A tile: ``core.tiles.Fetch``."""
        return self.read(tiles.tile_path(level, index, width))

    def bundle(self, index: int, width: int) -> list[bytes]:
        """The entries of a bundle."""
        entries = tiles.read_bundle(self.read(tiles.tile_path("entries", index, width)))
        if len(entries) != width:
            raise Refused(f"Bundle {index} has {len(entries)} entries and should have {width}.")
        return entries

    def post_cosignature(self, size: int, line: notes.SignatureLine) -> None:
        """Give a cosignature to the site, which serves it with the checkpoint."""
        body = json.dumps({"size": size, "line": str(line)}).encode()
        headers = {"Content-Type": "application/json"}
        address = f"{self.site}/api/ledger/cosignatures"
        self._ask(urllib.request.Request(address, data=body, headers=headers, method="POST"))  # noqa: S310

    def _ask(self, request: urllib.request.Request) -> bytes:
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                data = answer.read(MOST + 1)
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode(errors="replace")
            raise Unreachable(f"{request.full_url} answered {error.code}. {said[:300]}") from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"{request.full_url} cannot be read: {error}.") from None
        if len(data) > MOST:
            raise Unreachable(f"{request.full_url} is greater than anything a ledger serves.")
        return bytes(data)


def keys_by_fingerprint(site: Site, fingerprints: list[str]) -> list[notes.Verifier]:
    """The site's published keys whose fingerprints you know.

    Raises:
        Refused: One of them is not among the published keys.
    """
    published = [notes.Verifier.parse(line) for line in site.text("key").splitlines() if line]
    found = []
    for fingerprint in fingerprints:
        wanted = fingerprint.lower().replace(":", "")
        match = next((one for one in published if one.fingerprint == wanted), None)
        if match is None:
            raise Refused(f"The site publishes no key with the fingerprint {wanted}.")
        found.append(match)
    return found
