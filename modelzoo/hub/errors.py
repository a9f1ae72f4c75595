"""Refusals as Hub clients read them: the status, ``X-Error-Code`` and ``X-Error-Message``; a HEAD has nothing but headers."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from modelzoo.models import Revision, ZooModel

View = Callable[..., HttpResponseBase]


class HubError(Exception):
    """A refusal.

    Attributes:
        status: HTTP status.
        code: ``X-Error-Code``, by which clients choose the exception that they raise; empty where there is none.
        headers: Further headers.
    """

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> JsonResponse:
        """The answer: body for people and old clients, headers for the others."""
        headers = self.headers | {"X-Error-Message": _header_text(str(self)), "Cache-Control": "no-store"}
        if self.code:
            headers["X-Error-Code"] = self.code
        return JsonResponse({"error": str(self)}, status=self.status, headers=headers)


def repo_not_found(repo_id: str) -> HubError:
    """No such model. The same for everybody, so nobody needs to sign in to learn it."""
    return HubError(404, "RepoNotFound", f"Repository not found: {repo_id}")


def revision_not_found(rev: str) -> HubError:
    """No branch, tag or commit of that name."""
    return HubError(404, "RevisionNotFound", f"Invalid rev id: {rev}")


def entry_not_found(path: str, revision: Revision) -> HubError:
    """No such file. With the commit, so that clients remember its absence."""
    return HubError(404, "EntryNotFound", f"Entry not found: {path}", X_Repo_Commit=revision.sha)


def withdrawn(revision: Revision) -> HubError:
    """The revision was taken back: 410, with the code by which clients show the reason and do not speak of the network."""
    return HubError(
        410,
        "RevisionNotFound",
        f"{revision.model} at {revision.sha} was withdrawn on {revision.withdrawn_at:%Y-%m-%d}: {revision.withdrawn_reason}",
    )


def gated(model: ZooModel, *, signed_in: bool, address: str) -> HubError:
    """The licence has not been accepted: 401 for nobody in particular, 403 for somebody who has not."""
    if signed_in:
        return HubError(
            403, "GatedRepo", f"Access to model {model} needs its licence accepted. Visit {address} to accept it."
        )
    return HubError(
        401,
        "GatedRepo",
        f"Access to model {model} is restricted. Please log in: send a token of an account that has accepted the licence at {address}.",
    )


def hub_view(*methods: str) -> Callable[[View], View]:
    """A view of the wire protocol: ``HubError`` and missing permission become answers that clients understand."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in methods:
                refusal = HubError(405, "", f"Use {' or '.join(methods)} here.", Allow=", ".join(methods))
                return refusal.response()
            try:
                return view(request, *args, **kwargs)
            except HubError as error:
                return error.response()
            except PermissionDenied as error:
                return HubError(403, "", str(error)).response()

        answer.answers_null = True  # type: ignore[attr-defined]
        return answer

    return decorate


def _header_text(text: str) -> str:
    """``text`` as a header may carry it: one line of Latin-1, no control characters."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(line.split()).encode("latin-1", "replace").decode("latin-1")
