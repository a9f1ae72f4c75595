"""“Am I in The Stack?” by pasted code or an uploaded file. By POST, so that it stands in no address; nothing of it is kept."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods

from core.errors import InvalidInput
from core.uploads import handed_in, in_memory, is_too_large
from datasets_app import browsing, code_lookup, side_by_side
from portal import look_ups

CODE, FILE = "code", "file"
GONE = "The file is not shown any more. Search again to see what is held now."


@require_http_methods(["GET", "HEAD", "POST"])
@in_memory(code_lookup.LARGEST)
def search_code(request: HttpRequest) -> HttpResponse:
    """What published releases show that is the same as a text, or nearly; ``compare`` puts one of these beside it."""
    context: dict[str, Any] = {"largest": code_lookup.LARGEST}
    status = 200
    if request.method == "POST":
        look_ups.count(request)
        try:
            if is_too_large(request):
                raise InvalidInput(
                    f"This is larger than {code_lookup.LARGEST // 1_000_000} MB. Give one source file at a time.", CODE
                )
            content = handed_in(request, CODE, FILE)
            text = code_lookup.check(content)
            context[CODE] = text
            if address := request.POST.get("compare", ""):
                context |= _compared(text, address)
            else:
                context["found"] = code_lookup.search(content)
        except InvalidInput as error:
            context["error"] = str(error)
            status = 400
    response = render(request, "portal/search_code.html", context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _compared(text: str, address: str) -> dict[str, Any]:
    """The text beside the file at an address that the answer gave: ``release:repository:path``.

    Raises:
        InvalidInput: It is not shown, whether or not it ever was.
    """
    release_id, _, rest = address.partition(":")
    repository_id, _, path = rest.partition(":")
    if not (release_id.isdecimal() and repository_id.isdecimal() and len(address) < 5000):
        raise InvalidInput(GONE, "compare")
    holding = code_lookup.shown_holding(int(release_id[:18]), int(repository_id[:18]))
    if holding is None:
        raise InvalidInput(GONE, "compare")
    try:
        repository, row = browsing.read_file(holding.release, holding.repository_id, path)
    except Http404:
        raise InvalidInput(GONE, "compare") from None
    hidden = code_lookup.hidden_contents([row["blob_id"]])
    if hidden & {(None, "", row["blob_id"]), (repository.pk, path, row["blob_id"])}:
        raise InvalidInput(GONE, "compare")
    return {
        "comparison": side_by_side.compare(text, row["content"]),
        "release": holding.release,
        "repository": repository,
        "held": row,
        "most_lines": side_by_side.MOST_LINES,
    }
