"""The page on which a text is traced. By POST, so that it stands in no address; nothing of it is kept."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods

from core import limits
from core.errors import InvalidInput
from core.uploads import handed_in, in_memory, is_too_large
from datasets_app import browsing, code_lookup, shard_indexes
from datasets_app.tracer import notice, service
from datasets_app.tracer.marks import is_common, marked
from datasets_app.tracer.notice import File, Group
from datasets_app.tracer.service import Source, Traced
from datasets_app.tracer.text import FIELD, LEAST, MOST, Passage

FILE = "file"
LARGEST = 4 * MOST  # bytes of a file that may still have MOST characters
EXAMPLES = 3  # sources of a common passage that are named
TOO_LARGE = f"This is longer than {MOST:,} characters, which are traced at a time. Give a part of it."


@require_http_methods(["GET", "HEAD", "POST"])
@in_memory(LARGEST)
def trace(request: HttpRequest) -> HttpResponse:
    """Which parts of a text stand in what is published, and where; ``notice`` gives the NOTICE file instead."""
    context: dict[str, Any] = {"most": MOST, "least": LEAST, "releases": list(shard_indexes.published())}
    context["chosen"] = request.POST.get("release", request.GET.get("release", ""))[:200]
    status = 200
    try:
        if request.method == "POST":
            limits.hit("trace", limits.caller(request))
            traced = service.trace(_text(request, context), release=context["chosen"])
            if "notice" in request.POST:
                return _private(_notice(traced))
            context |= _shown(traced)
        elif address := request.GET.get("from", ""):
            context |= _taken(request, address)
    except InvalidInput as error:
        context["error"], status = str(error), 400
    return _private(render(request, "datasets_app/trace.html", context, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_store=True)
    return response


def _text(request: HttpRequest, context: dict[str, Any]) -> str:
    """What was handed in; as far as it is a text, it stands in the form again."""
    if is_too_large(request):
        raise InvalidInput(TOO_LARGE, FIELD)
    content = handed_in(request, FIELD, FILE)
    text = content.decode("utf-8", "replace")
    if "\0" not in text and "\ufffd" not in text:
        context["text"] = text
    return code_lookup.check(content) if content.strip() else text


def _taken(request: HttpRequest, address: str) -> dict[str, Any]:
    """The form filled with a file of a release, from ``name/version/repository/path``; its beginning where it is long.

    Raises:
        InvalidInput: There is no such file that is shown.
    """
    name, _, rest = address.partition("/")
    version, _, rest = rest.partition("/")
    repository, _, path = rest.partition("/")
    try:
        if not (repository.isdecimal() and len(repository) < 18):
            raise Http404
        release = browsing.visible_release(name, version, request.user, large=False)
        _, row = browsing.read_file(release, int(repository), path)
    except (Http404, browsing.Withdrawn):
        raise InvalidInput("There is no such file in a release.", "from") from None
    return {"text": row["content"][:MOST], "taken": path, "cut": len(row["content"]) > MOST}


def _notice(traced: Traced) -> HttpResponse:
    response = HttpResponse(notice.write(traced, _published), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="NOTICE"'
    return response


def _published(source: Source) -> str | None:
    """The published text of a source, unless it was hidden meanwhile."""
    try:
        _, row = browsing.read_file(source.release, source.repository_id, source.path)
    except Http404:
        return None
    content: str = row["content"]
    return content


@dataclass(frozen=True)
class Common:
    """A passage that stands in very many files."""

    passage: Passage
    files: int
    at_least: bool
    examples: list[Source]


def _shown(traced: Traced) -> dict[str, Any]:
    """The answer for the page: files by licence with the passages that stand in them, and common passages by themselves."""
    groups = [group for group in notice.by_licence(traced) if group.due]
    common = [_common(traced, one) for one in traced.passages if is_common(traced, one)]
    leads = {one.passage.number: f"c{one.passage.number}" for one in common}
    numbered: list[tuple[Group, list[tuple[str, File]]]] = []
    count = 0
    for group in groups:
        entries = []
        for file in group.due:
            count += 1
            entries.append((f"s{count}", file))
            for number in file.passages:
                leads.setdefault(number, f"s{count}")
        numbered.append((group, entries))
    return {
        "traced": traced,
        "html": marked(traced, leads),
        "groups": numbered,
        "files": count,
        "common": common,
        "common_from": service.COMMON,
        "rows": [_row(traced, one) for one in traced.passages],
    }


def _common(traced: Traced, passage: Passage) -> Common:
    widest = max((traced.spans[place] for place in passage.spans), key=lambda span: span.files)
    return Common(passage, widest.files, widest.at_least, widest.sources[:EXAMPLES])


def _row(traced: Traced, passage: Passage) -> dict[str, Any]:
    spans = [traced.spans[place] for place in passage.spans]
    before = traced.text[: passage.start]
    rarest = min(spans, key=lambda span: span.files)
    return {
        "passage": passage,
        "line": before.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1,
        "characters": passage.end - passage.start,
        "spans": len(spans),
        "rarest": rarest,
        "common": is_common(traced, passage),
    }
