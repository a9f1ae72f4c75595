"""How the engine says how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called often during long work. May raise to stop the work: whatever was half-made is then discarded."""

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Say that ``done`` of ``total`` units of ``stage`` are finished.

        Args:
            stage: A short present participle shown to people, such as ``"reading packages"``.
            done: Units finished so far.
            total: Units in the whole stage; 0 where it is not known yet.
            message: One line for the job's log, or empty.
        """


def silent(stage: str, done: int, total: int, message: str = "") -> None:
    """Report to nobody."""
