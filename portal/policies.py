"""The promises of this site about requests, in days, and the forges where ownership can be proven. All are settings."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from datasets_app.pipeline.sources.forges import FORGES


@dataclass(frozen=True)
class Promises:
    """How long each thing may take, in days; ``FAIRSTACK_PROMISES`` overrides single values.

    Attributes:
        answer: From receipt to the end of it all: the one month of the GDPR (Art. 12(3)).
        extended: From receipt to the end of an answer that was extended with notice: three months at most.
        prove: From receipt until a request without proof expires.
        challenge: How long one challenge counts.
        inform: From a reviewer's question until it counts as not answered.
        triage: From proof, or from the end of the time to object, to decision.
        objection: How long others who are affected can object.
        appeal: From an appeal to its decision.
        may_appeal: From a rejection until it can no longer be appealed.
        rebuild: From acceptance to the published release without the content.
        undo: From removal until it can no longer be undone, and the request is closed.
        erase: From the end of a request until its personal data goes.
        draft: How long a draft is kept after its last change.
    """

    answer: int = 30
    extended: int = 90
    prove: int = 30
    challenge: int = 7
    inform: int = 14
    triage: int = 7
    objection: int = 14
    appeal: int = 14
    may_appeal: int = 30
    rebuild: int = 7
    undo: int = 30
    erase: int = 90
    draft: int = 30

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ImproperlyConfigured(f"FAIRSTACK_PROMISES: {field.name} must be at least one day.")
        if self.answer + self.objection > self.extended:
            raise ImproperlyConfigured("FAIRSTACK_PROMISES: extended leaves no time to object and to answer.")


def promises() -> Promises:
    """The promises in force."""
    try:
        return Promises(**settings.FAIRSTACK_PROMISES)
    except TypeError as error:
        raise ImproperlyConfigured(f"FAIRSTACK_PROMISES: {error}") from error


def after(moment: datetime, days: int) -> datetime:
    """That many days later."""
    return moment + timedelta(days=days)


def forges() -> dict[str, str]:
    """For each forge the address from which a repository is cloned, with ``{owner}`` and ``{repository}`` in it."""
    return dict(settings.FAIRSTACK_FORGES)


def places() -> list[str]:
    """Every host where an account can be: those where ownership can be proven by git first, then the others that we know of."""
    provable = list(forges())
    return provable + sorted((FORGES | {"pypi.org"}) - set(provable))
