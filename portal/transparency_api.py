"""The API of transparency: what the page shows, for programs."""

from datetime import date
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from core import ledger_tree, signing
from portal import transparency
from portal.policies import promises

router = Router(tags=["transparency"])


class MonthOut(Schema):
    """Requests that were carried out in a month, or in several that were joined."""

    first: date
    last: date
    done: int
    in_time: int
    median_days: float
    longest_days: float


class TransparencyOut(Schema):
    """Counts are texts: numbers under five are not told. Times are null where fewer than five requests stand behind them."""

    counts: dict[str, str]
    median_days: float | None
    longest_days: float | None
    within_promise: float | None
    decided_in_time: float | None
    months: list[MonthOut]
    promises_in_days: dict[str, int]
    ledger_size: int
    ledger_root: str
    ledger_checkpoint: str
    key_fingerprint: str


@router.get("transparency", response=TransparencyOut, auth=None, summary="Numbers, promises, checkpoint")
def read(request: HttpRequest) -> TransparencyOut:
    """What the page of transparency shows."""
    shown = transparency.shown()
    newest = ledger_tree.latest()
    return TransparencyOut(
        counts=shown.counts,
        median_days=_days(shown.median_time),
        longest_days=_days(shown.longest_time),
        within_promise=shown.within_promise,
        decided_in_time=shown.decided_in_time,
        months=[
            MonthOut(
                first=month.first,
                last=month.last,
                done=month.done,
                in_time=month.in_time,
                median_days=_days(month.median) or 0.0,
                longest_days=_days(month.longest) or 0.0,
            )
            for month in shown.months
        ],
        promises_in_days=vars(promises()),
        ledger_size=newest.size if newest else 0,
        ledger_root=newest.root if newest else "",
        ledger_checkpoint=ledger_tree.signed_note(newest) if newest else "",
        key_fingerprint=signing.fingerprint(),
    )


def _days(time: Any) -> float | None:
    return None if time is None else round(time.total_seconds() / 86_400, 2)
