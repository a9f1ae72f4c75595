"""What can go wrong between a person and a service, told so that the person can act."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.utils import timezone

__all__ = ["Conflict", "FairstackError", "InvalidInput", "InvalidTransition", "PermissionDenied", "TooMany"]


class FairstackError(Exception):
    """An expected failure. Its text names what was wrong and what to do, and may be shown to the person."""


class InvalidInput(FairstackError):
    """Input that was understood and is wrong.

    Attributes:
        field: The name of the form field or parameter, or an empty string.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Conflict(FairstackError):
    """The present state does not allow the change: somebody else was quicker, or it was done already."""


class InvalidTransition(Conflict):
    """A change of state that the table of transitions does not have.

    Attributes:
        state: The state in which the object was found.
        to: The state asked for.
    """

    def __init__(self, what: str, state: str, to: str) -> None:
        super().__init__(f"{what} is “{state}” and cannot become “{to}”.")
        self.state = state
        self.to = to


class TooMany(Conflict):
    """Something was done too often. It becomes HTTP 429 with ``Retry-After``.

    Attributes:
        wait: Seconds until it may be done again.
        at: That moment.
    """

    def __init__(self, message: str, wait: int) -> None:
        self.wait = wait
        self.at = timezone.now() + timedelta(seconds=wait)
        minutes = -(-wait // 60)
        when = f"{wait} seconds" if wait < 60 else "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"{message} Try again in {when}, at {self.at:%H:%M:%S} UTC.")
