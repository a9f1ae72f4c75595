"""Many requests decided at once: each by the same service as one alone, in a transaction of its own, with a report."""

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import FairstackError, InvalidInput, PermissionDenied
from core.models import User
from core.permissions import require
from portal.models import OptOutRequest
from portal.services import decisions, questions
from portal.services.reviewing import REVIEW
from portal.states import LABELS, words_of

MOST = 200
ACTS = {"accept": "Accept", "reject": "Reject", "ask": "Ask for more"}


@dataclass(frozen=True)
class Result:
    """What became of one request: ``state`` afterwards, and ``error`` where it was not done."""

    reference: str
    done: bool
    state: str
    error: str = ""

    @property
    def label(self) -> str:
        """The state's name for people."""
        return LABELS.get(self.state, "")


def decide(references: list[str], actor: User, act: str, *, text: str = "", code: str = "other") -> list[Result]:
    """Accept, reject or ask many. What cannot be done is reported, and stops none of the others.

    Args:
        references: At most ``MOST``; each once, the ones verified first decided first.
        actor: The reviewer.
        act: A key of ``ACTS``.
        text: The remark, the reason or the question.
        code: The reason's code, to reject.

    Raises:
        PermissionDenied: The actor may not review.
        InvalidInput: None or too many are chosen, or there is no such act.
    """
    require(actor, REVIEW)
    chosen = list(dict.fromkeys(references))
    if not chosen:
        raise InvalidInput("Choose at least one request.", "references")
    if len(chosen) > MOST:
        raise InvalidInput(f"Choose at most {MOST} requests at once.", "references")
    acts: dict[str, Callable[[OptOutRequest], object]] = {
        "accept": lambda request: decisions.accept(request, actor, text),
        "reject": lambda request: decisions.reject(request, actor, text, code),
        "ask": lambda request: questions.ask(request, actor, text),
    }
    if act not in acts:
        raise InvalidInput(f"Choose what to do: {', '.join(acts)}.", "act")
    rows = OptOutRequest.objects.exclude(state="draft").filter(reference__in=chosen)
    found = {request.reference: request for request in rows.order_by("verified_at", "pk")}
    results = [_one(request, acts[act]) for request in found.values()]
    return results + [Result(name[:20], False, "", "There is no such request.") for name in chosen if name not in found]


def _one(request: OptOutRequest, act: Callable[[OptOutRequest], object]) -> Result:
    try:
        finished = act(request)
    except (FairstackError, PermissionDenied) as error:
        request.refresh_from_db()
        return Result(request.reference, False, request.state, words_of(error))
    waits = "A second reviewer has to agree." if finished is False else ""
    return Result(request.reference, finished is not False, request.state, waits)
