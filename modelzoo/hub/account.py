"""Who the caller is, and small questions that clients ask of every hub."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from core.tokens import caller
from modelzoo.hub.errors import HubError, hub_view


@hub_view("GET", "HEAD")
def whoami(request: HttpRequest) -> HttpResponse:
    """The account behind the token, with the token's own name."""
    user = caller(request, "read")
    if user is None:
        raise HubError(401, "", "Send a token, or sign in: nobody is known by this request.")
    token = request.api_token  # type: ignore[attr-defined]
    said: dict[str, object] = {
        "type": "user",
        "id": f"{user.pk:024x}",
        "name": user.username,
        "fullname": user.get_full_name() or user.username,
        "orgs": [],
    }
    if token is not None:
        role = "write" if "write" in token.scopes else "read"
        said["auth"] = {"type": "access_token", "accessToken": {"displayName": token.name, "role": role}}
    return JsonResponse(said)


@hub_view("GET", "HEAD")
def agent_harnesses(request: HttpRequest) -> HttpResponse:
    """The first question of a fresh client: no further environment variables are of interest to this hub."""
    return JsonResponse({"standardEnvVars": [], "harnesses": {}})


@hub_view("GET", "HEAD", "POST")
def telemetry(request: HttpRequest, topic: str) -> HttpResponse:
    """Clients that tell of themselves are thanked; nothing is kept."""
    return HttpResponse(status=204)
