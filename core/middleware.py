"""What happens to every request: a line in the log without what was asked, and the token that came with it."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django_structlog.middlewares import RequestMiddleware

from core import journal, limits, tokens
from core.errors import TooMany

log = logging.getLogger(__name__)


class RequestLog(RequestMiddleware):
    """django-structlog's request lines, with the route in place of the address: what was looked up is nobody's business."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """The method and the route's pattern, such as ``GET search``."""
        try:
            route = resolve(request.path_info).route
        except Resolver404:
            route = "(no such page)"
        return f"{request.method} /{route}"


class NotBehind:
    """Serves nothing while the database or the data folder is older than the journal: they may hold what was erased.

    The start does what is missing (``manage.py up``, docker-compose.yml); this is the last resort, for a backup that was put in place
    by hand. Only ``/healthz`` answers, and says why.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        older = journal.behind() if request.path_info != "/healthz" else ""
        if not older:
            return self.get_response(request)
        log.error("Not serving: %s is older than the journal. Run manage.py replay_purges.", older)
        page = render_to_string("503.html")
        return HttpResponse(page, status=503, headers={"Retry-After": "300", "Cache-Control": "no-store"})


class WithoutNull:
    """No path holds a NUL (404), and no query may (400): PostgreSQL takes none in a text, so that every look-up by it would fail.

    A view with ``answers_null`` is asked all the same: the Hub protocol's answers to what is not there have headers of their own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """The refusal, as a page or as JSON to programs; nothing where there is no NUL."""
        in_path = "\0" in request.path_info
        in_query = "%00" in request.META.get("QUERY_STRING", "")
        if not (in_path or in_query) or getattr(view, "answers_null", False):
            return None
        status, text = (404, "There is nothing here.") if in_path else (400, "A query holds no NUL character.")
        if request.path_info.startswith("/api/"):
            return JsonResponse({"error": text}, status=status)
        raise Http404(text) if in_path else BadRequest(text)


class BearerToken:
    """Puts the API token of an ``Authorization: Bearer`` header on ``request.api_token``.

    A token never signs anybody in to pages: only the API and the Hub protocol ask for it, with the scope that they need.
    A token that does not exist or was revoked is refused at once, with the text by which Hub clients know it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
        request.api_token = None  # type: ignore[attr-defined]
        if scheme.lower() == "bearer":
            token = tokens.authenticate(plain.strip())
            try:
                if token is None:
                    limits.hit("bad-token", limits.network(request))
                elif request.path.startswith("/api/"):
                    limits.hit("api", f"token:{token.pk}")
            except TooMany as error:
                return too_many(request, error)
            if token is None:
                message = "Invalid credentials in Authorization header"
                return JsonResponse({"error": message}, status=401, headers={"X-Error-Message": message})
            request.api_token = token  # type: ignore[attr-defined]
        return self.get_response(request)


class TooManyPages:
    """Answers with a page, or with JSON to programs, where something was done too often."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """HTTP 429 for :class:`core.errors.TooMany`; nothing for everything else."""
        return too_many(request, error) if isinstance(error, TooMany) else None


def too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    """HTTP 429, which says when to try again."""
    headers = {"Retry-After": str(error.wait)}
    if request.path.startswith("/api/"):
        return JsonResponse({"error": str(error), "retry_after": error.wait}, status=429, headers=headers)
    response = render(request, "429.html", {"error": error}, status=429)
    response["Retry-After"] = headers["Retry-After"]
    return response
