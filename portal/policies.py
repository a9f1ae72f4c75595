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
        prove: From receipt until a request without proof expires.
        challenge: How long one challenge counts.
        triage: From proof to decision.
        rebuild: From acceptance to the published release without the content.
        close: From removal until the request is closed.
        draft: How long a draft is kept after its last change.
    """

    answer: int = 30
    prove: int = 30
    challenge: int = 7
    triage: int = 7
    rebuild: int = 7
    close: int = 30
    draft: int = 30

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ImproperlyConfigured(f"FAIRSTACK_PROMISES: {field.name} must be at least one day.")


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
