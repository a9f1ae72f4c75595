"""“Am I in The Stack?” for a list of accounts: a table on the page, CSV or JSON to download. Nothing of the list is kept."""

import csv
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods

from core.errors import InvalidInput
from core.uploads import handed_in, in_memory, is_too_large
from datasets_app import lookup_many
from datasets_app.lookup_many import Answer, Asked
from portal import look_ups
from portal.tables import HARMLESS_TYPE, Echo, harmless

NAMES, FILE = "names", "file"
SHOWN = 200  # answers on the page; the downloads have them all
COLUMNS = (
    "line",
    "asked",
    "answer",
    "forge",
    "account",
    "repositories",
    "files",
    "copies",
    "bytes",
    "releases",
    "error",
)


@require_http_methods(["GET", "HEAD", "POST"])
@in_memory(lookup_many.LARGEST)
def search_accounts(request: HttpRequest) -> HttpResponseBase:
    """The answer to each name of a list, pasted or uploaded; ``as`` asks for a download."""
    context: dict[str, Any] = {"most": lookup_many.MOST_NAMES}
    status = 200
    if request.method == "POST":
        look_ups.count(request, "list")
        try:
            if is_too_large(request):
                raise InvalidInput(
                    f"The list is larger than {lookup_many.LARGEST // 1_000_000} MB. Give it in parts.", NAMES
                )
            data = handed_in(request, NAMES, FILE)
            names = lookup_many.read_list(data)
            if (wanted := request.POST.get("as", "")) in DOWNLOADS:
                return _download(names, wanted)
            context |= _page(names) | {NAMES: data.decode("utf-8-sig")}
        except InvalidInput as error:
            context["error"] = str(error)
            status = 400
    response = render(request, "portal/search_accounts.html", context, status=status)
    patch_cache_control(response, private=True, no_store=True)
    return response


def _page(names: list[Asked]) -> dict[str, Any]:
    """The first answers, and how many names there are."""
    answers = list(islice(lookup_many.search_many(names), SHOWN))
    return {
        "answers": answers,
        "count": len(names),
        "rest": len(names) - len({answer.line for answer in answers}),
        "held": sum(answer.answer in (lookup_many.YES, lookup_many.FORMERLY) for answer in answers),
        "errors": sum(answer.answer == lookup_many.ERROR for answer in answers),
    }


def _download(names: list[Asked], wanted: str) -> StreamingHttpResponse:
    """All answers as they come."""
    write, kind = DOWNLOADS[wanted]
    response = StreamingHttpResponse(write(lookup_many.search_many(names)), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="am-i-in-the-stack.{wanted}"'
    patch_cache_control(response, private=True, no_store=True)
    return response


def _csv(answers: Iterator[Answer]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for answer in answers:
        row = answer.to_dict() | {"releases": ", ".join(answer.releases)}
        yield writer.writerow([harmless(row[column]) for column in COLUMNS])


def _json(answers: Iterator[Answer]) -> Iterator[str]:
    yield "["
    for number, answer in enumerate(answers):
        yield (",\n" if number else "\n") + json.dumps(answer.to_dict(), ensure_ascii=False)
    yield "\n]\n"


DOWNLOADS = {"csv": (_csv, HARMLESS_TYPE), "json": (_json, "application/json")}
