"""The desk's pages of sources: adding one, how it is read, and what its last reading took and left out."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Conflict, InvalidInput
from core.models import Job
from core.permissions import require
from core.session import signed_in
from core.states import JOB_ACTIVE
from datasets_app import purging, readers
from datasets_app.forms import SOURCE_FIELDS, SourceForm
from datasets_app.models import Source
from datasets_app.pipeline import notes
from datasets_app.pipeline.sources.base import SKIP_REASONS
from datasets_app.services import sources
from datasets_app.views.desk import curators_only

form_page = require_http_methods(["GET", "HEAD", "POST"])


@curators_only
@require_safe
def kinds(request: HttpRequest) -> HttpResponse:
    """The kinds of source, to choose one."""
    return render(request, "datasets_app/source_kinds.html", {"kinds": readers.KINDS})


@curators_only
@form_page
def add(request: HttpRequest, kind: str) -> HttpResponse:
    """Name a new source of this kind."""
    require(signed_in(request), "datasets_app.ingest_source")
    if kind not in readers.KINDS:
        raise Http404("There is no source of this kind.")
    return _form(request, kind, None)


@curators_only
@form_page
def change(request: HttpRequest, name: str) -> HttpResponse:
    """Change how a source is read from now on."""
    require(signed_in(request), "datasets_app.ingest_source")
    source = get_object_or_404(Source, name=name)
    return _form(request, source.kind, source)


@curators_only
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """One source: how it is read, and the figures of its last reading."""
    source = get_object_or_404(Source, name=name)
    running = Job.objects.filter(dedupe_key=f"datasets.ingest:{source.name}", state__in=JOB_ACTIVE).first()
    context = {
        "source": source,
        "kind": readers.KINDS.get(source.kind, source.kind),
        "told": _told(source.params),
        "skipped": skipped_bars(source),
        "running": running,
        "notes": notes.read(purging.corpus_folder(), source.name),
    }
    return render(request, "datasets_app/source.html", context)


def skipped_bars(source: Source) -> list[dict[str, Any]]:
    """What the last reading left out, for ``{% bars %}``: why, in words, and how many files; most first."""
    counts: dict[str, int] = source.figures.get("skipped", {})
    return [
        {"label": SKIP_REASONS.get(reason, reason), "value": files}
        for reason, files in sorted(counts.items(), key=lambda pair: -pair[1])
    ]


def _told(params: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The parameters with their labels, each as lines."""
    rows = []
    for field, value in params.items():
        lines = [str(line) for line in value] if isinstance(value, list) else [value]
        if isinstance(value, bool):
            lines = ["yes" if value else "no"]
        rows.append((SOURCE_FIELDS[field][0] if field in SOURCE_FIELDS else field, lines))
    return rows


def _form(request: HttpRequest, kind: str, source: Source | None) -> HttpResponse:
    form = SourceForm(request.POST or None, kind=kind, source=source)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        try:
            sources.register_source(signed_in(request), name, kind, form.params(), change=source is not None)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except Conflict as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"The source {name} is {'changed' if source else 'added'}. Nothing was read yet.")
            return redirect("datasets:source", name)
    context = {
        "form": form,
        "kind": readers.KINDS[kind],
        "source": source,
        "roots": settings.FAIRSTACK_SOURCE_ROOTS,
        "reads_paths": any(parameter.is_path for parameter in readers.PARAMETERS[kind].values()),
    }
    return render(request, "datasets_app/source_form.html", context)
