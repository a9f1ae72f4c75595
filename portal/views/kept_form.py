"""A form that is sent after the session has ended is kept until its sender has signed in again."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.cache import never_cache

KEY = "portal.kept-form"
KEPT_FOR = 3600  # seconds
LONGEST = 250_000  # characters, as sent: every answer of the form fits
View = Callable[..., HttpResponse]


def keeps_form(view: View) -> View:
    """Let only signed-in people in. What anybody else sends waits in their session, on ``request.kept_form`` afterwards."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            if request.method == "POST":
                sent = request.POST.copy()
                sent.pop("csrfmiddlewaretoken", None)
                text = sent.urlencode()
                if len(text) <= LONGEST:
                    request.session[KEY] = {"path": request.path, "data": text, "at": time.time()}
            return redirect_to_login(request.get_full_path())
        request.kept_form = take(request) if request.method == "GET" else None  # type: ignore[attr-defined]
        return view(request, *args, **kwargs)

    return never_cache(wrapped)


def sent(request: HttpRequest) -> QueryDict | None:
    """The data to bind a form with: what was sent now, or what was kept; None where there is neither."""
    if request.method == "POST":
        return request.POST
    kept: QueryDict | None = request.kept_form  # type: ignore[attr-defined]
    return kept


def take(request: HttpRequest) -> QueryDict | None:
    """What was kept for this page, once; None where there is nothing or it is too old."""
    kept = request.session.get(KEY)
    if not kept or kept["path"] != request.path:
        return None
    del request.session[KEY]
    if time.time() - kept["at"] > KEPT_FOR:
        return None
    messages.info(request, "Your session had ended. We kept what you entered: check it, then go on.")
    return QueryDict(kept["data"])
