"""The ledger as static files: checkpoint, tiles and bundles of entries, as C2SP's tlog-tiles lays them out.

What a tile or a bundle of a given width holds never changes, so caches may keep it for ever; the checkpoint is asked for anew.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core import ledger, ledger_sequencer, ledger_tree, tiles

FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_DAY = "public, max-age=86400"  # a partial tile, which a full one takes the place of
NOT_AT_ALL = "no-cache"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint, with the cosignatures that it has."""
    ledger_sequencer.soon()
    newest = ledger_tree.latest()
    if newest is None:
        raise Http404("There is no checkpoint yet: the first one comes within seconds of the site's start.")
    return _answer(ledger_tree.signed_note(newest), TEXT, NOT_AT_ALL)


@require_safe
def key(request: HttpRequest) -> HttpResponse:
    """The keys that sign checkpoints, a line each: the one of now, then those of before."""
    return _answer("".join(f"{one}\n" for one in ledger_tree.log_keys()), TEXT, NOT_AT_ALL)


@require_safe
def tile(request: HttpRequest, level: str, index: str, width: str | None = None) -> HttpResponse:
    """A tile of hashes, 32 bytes each."""
    number, wanted = _place(int(level), index, width)
    return _answer(ledger_tree.fetch(int(level), number, wanted), BYTES, _keep(wanted))


@require_safe
def entries(request: HttpRequest, index: str, width: str | None = None) -> HttpResponse:
    """A bundle of entries: what the hashes of the tile of level 0 with the same index were made of."""
    number, wanted = _place(0, index, width)
    start = number * tiles.WIDTH
    found = [ledger.entry_bytes(entry) for entry in ledger_tree.entries(start, start + wanted)]
    return _answer(tiles.write_bundle(found), BYTES, _keep(wanted))


def _place(level: int, index: str, width: str | None) -> tuple[int, int]:
    """The tile's number and width; 404 where the newest checkpoint has no such tile."""
    try:
        number = tiles.parse_index(index)
    except ValueError:
        raise Http404("There is no such tile.") from None
    wanted = int(width) if width else tiles.WIDTH
    if not 0 < wanted <= tiles.width_at(level, number, ledger_tree.size()):
        raise Http404("The ledger has no such tile, or not yet.")
    return number, wanted


def _keep(width: int) -> str:
    return FOR_EVER if width == tiles.WIDTH else FOR_A_DAY


def _answer(content: str | bytes, kind: str, keep: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": keep, "Access-Control-Allow-Origin": "*"})
