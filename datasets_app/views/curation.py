"""What curation found in a release, for the curators: clusters of near-duplicates, and files that hold text of a benchmark."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from datasets_app import purging, side_by_side
from datasets_app.models import Release
from datasets_app.pipeline import clusters as found_clusters
from datasets_app.pipeline import contaminated, contents, state
from datasets_app.pipeline.clusters import Cluster, Filter, Hidden, Text
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.recipe import Recipe
from datasets_app.services.masks import hidden_keys
from datasets_app.views.desk import curators_only

CLUSTERS = 30  # a page
MEMBERS = 50
FILES = 20
FIGURES = ("funnel", "languages", "licences")  # large columns that these pages do without


@curators_only
@require_safe
def clusters(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The clusters of near-duplicates, those of most texts first, narrowed by language and account."""
    release = _release(name, version)
    wanted = Filter(**{key: request.GET.get(key, "").strip()[:400] for key in ("language", "owner")})
    number = _number(request)
    found = found_clusters.find(release.folder, wanted, _hidden(), (number - 1) * CLUSTERS, CLUSTERS)
    context = {
        "release": release,
        "kept": state.read_facts(release.folder) is not None,
        "recipe": _recipe(release),
        "wanted": wanted,
        "narrowed": bool(wanted.language or wanted.owner),
        "found": found,
        "page": Paginator(range(found.total), CLUSTERS).get_page(number),
    }
    return render(request, "datasets_app/clusters.html", context)


@curators_only
@require_safe
def cluster(request: HttpRequest, name: str, version: str, blob_id: str) -> HttpResponse:
    """One cluster, its representative beside one of the texts for which it stands; ``?with=`` says which."""
    release = _release(name, version)
    found = found_clusters.cluster(release.folder, blob_id, _hidden())
    if found is None:
        raise Http404("The release has no cluster of near-duplicates with this text.")
    chosen = _chosen(found, request.GET.get("with", "") or blob_id)
    whole = request.GET.get("lines") == "all"
    context: dict[str, Any] = {
        "release": release,
        "first": found.representative,
        "other": chosen,
        "members": Paginator(found.members, MEMBERS).get_page(request.GET.get("page")),
        "component": found.component,
        "whole": whole,
        "most_lines": side_by_side.MOST_LINES,
    }
    try:
        texts = contents.shown_texts(
            purging.corpus_folder(), _recipe(release), {found.representative.blob_id, chosen.blob_id}
        )
    except PipelineError as error:
        context["unknown"] = str(error)
    else:
        pair = [texts.get(one.blob_id) for one in (found.representative, chosen)]
        if pair[0] is None or pair[1] is None:
            context["unknown"] = "The corpus holds one of the two texts no more, so they cannot be compared."
        else:
            context["comparison"] = side_by_side.compare(pair[0], pair[1], fold=not whole)
    return render(request, "datasets_app/cluster.html", context)


@curators_only
@require_safe
def contamination(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The files that were left out for text of a benchmark: which, where, and the lines around it."""
    release = _release(name, version)
    benchmark = request.GET.get("benchmark", "").strip()[:64]
    number = _number(request)
    context: dict[str, Any] = {
        "release": release,
        "recipe": _recipe(release),
        "kept": state.read_facts(release.folder) is not None,
        "benchmark": benchmark,
    }
    try:
        found = contaminated.find(
            purging.corpus_folder(),
            release.folder,
            _recipe(release),
            _hidden(),
            benchmark,
            (number - 1) * FILES,
            FILES,
        )
    except PipelineError as error:
        context["unknown"] = str(error)
    else:
        context |= {
            "found": found,
            "page": Paginator(range(found.total), FILES).get_page(number),
            "bars": [
                {"label": name, "value": files, "url": f"?benchmark={name}"} for name, files, _ in found.benchmarks
            ],
            "items": sum(items for _, _, items in found.benchmarks),
        }
    return render(request, "datasets_app/contamination.html", context)


def _chosen(found: Cluster, wanted: str) -> Text:
    return next((one for one in found.members if one.blob_id == wanted), found.members[0])


def _release(name: str, version: str) -> Release:
    return get_object_or_404(Release.objects.defer(*FIGURES), name=name, version=version)


def _recipe(release: Release) -> Recipe:
    return Recipe.from_dict(release.recipe, any_rules=True)


def _hidden() -> Hidden:
    return Hidden(*hidden_keys())


def _number(request: HttpRequest) -> int:
    try:
        return max(1, int(request.GET.get("page", "1")))
    except ValueError:
        return 1
