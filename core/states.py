"""State machines as data. A change of state is one compare-and-swap ``UPDATE``; whoever comes second learns it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from core.errors import InvalidTransition


@dataclass(frozen=True)
class Machine:
    """A table of allowed transitions for the field ``state`` of one model.

    Attributes:
        name: What the object is called in messages, such as ``"The job"``.
        transitions: For each state, the states that may follow it.
    """

    name: str
    transitions: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        for state, following in self.transitions.items():
            unknown = following - self.transitions.keys()
            if unknown:
                raise ValueError(f"{self.name}: {state} leads to unknown states {sorted(unknown)}")

    def sources(self, to: str) -> frozenset[str]:
        """The states from which ``to`` may be reached."""
        return frozenset(state for state, following in self.transitions.items() if to in following)

    def move(self, obj: Model, to: str, *, where: Mapping[str, Any] | None = None, **updates: Any) -> bool:
        """Move ``obj`` to ``to`` if its row is in a state that allows it and still matches ``where``.

        Returns:
            Whether this call made the change. On success the given object carries the new values.
        """
        rows = (
            type(obj)
            ._base_manager.filter(pk=obj.pk, state__in=self.sources(to), **(where or {}))
            .update(state=to, **updates)
        )
        if rows:
            for field, value in {"state": to, **updates}.items():
                setattr(obj, field, value)
        return rows == 1

    def move_or_raise(self, obj: Model, to: str, *, where: Mapping[str, Any] | None = None, **updates: Any) -> None:
        """The same, but say by :class:`InvalidTransition` which state stood in the way."""
        if not self.move(obj, to, where=where, **updates):
            state = type(obj)._base_manager.filter(pk=obj.pk).values_list("state", flat=True).first()
            raise InvalidTransition(self.name, state or "gone", to)


JOB = Machine(
    "The job",
    {
        "queued": frozenset({"running", "cancelled"}),
        "running": frozenset({"succeeded", "failed", "cancelling", "queued"}),
        "cancelling": frozenset({"cancelled", "succeeded", "failed"}),
        "succeeded": frozenset(),
        "failed": frozenset(),
        "cancelled": frozenset(),
    },
)
JOB_ACTIVE = ("queued", "running", "cancelling")
