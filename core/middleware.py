"""What happens to every request: a line in the log without what was asked, and the token that came with it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django_structlog.middlewares import RequestMiddleware

from core import tokens


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
            if token is None:
                message = "Invalid credentials in Authorization header"
                return JsonResponse({"error": message}, status=401, headers={"X-Error-Message": message})
            request.api_token = token  # type: ignore[attr-defined]
        return self.get_response(request)
