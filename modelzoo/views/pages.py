"""The zoo: the list of models, and a model's tabs."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from modelzoo.models import DownloadCount, Ref, RevisionFile
from modelzoo.models.zoo import MAIN
from modelzoo.rendering import render_card
from modelzoo.storage import object_path
from modelzoo.views.page import file_address, model_context

PER_PAGE = 20
SORTS = {
    "newest": ("Newest", ["-revision__created_at"]),
    "downloads": ("Most downloaded", ["-downloads", "model__name"]),
    "name": ("By name", ["model__org", "model__name"]),
}
FIGURES = (
    ("steps", "Optimizer steps", 0),
    ("tokens", "Tokens learnt from", 0),
    ("loss", "Training loss, nats a token", 3),
    ("validation_loss", "Loss on held-out files, nats a token", 3),
    ("unigram_entropy", "Guessing by frequency alone, nats a token", 3),
)


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """All models, searched and sorted."""
    words, sort = request.GET.get("q", "").strip(), request.GET.get("sort", "newest")
    refs = Ref.objects.filter(name=MAIN).select_related("model", "revision__release", "revision__terms")
    for word in words.replace("/", " ").replace("\0", " ").split()[:10]:
        refs = refs.filter(
            Q(model__org__icontains=word) | Q(model__name__icontains=word) | Q(revision__release__name__icontains=word)
        )
    sort = sort if sort in SORTS else "newest"
    # Sums over two lists at once would count each row as often as the other list is long: one query inside each instead.
    refs = refs.annotate(
        downloads=_sum(DownloadCount.objects.filter(model=OuterRef("model")), "model", "count"),
        size=_sum(RevisionFile.objects.filter(revision=OuterRef("revision")), "revision", "size"),
    )
    page = Paginator(refs.order_by(*SORTS[sort][1], "pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "q": words, "sort": sort, "sorts": [(key, text) for key, (text, _) in SORTS.items()]}
    return render(request, "modelzoo/models.html", context)


@require_safe
def card(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """The model card."""
    context = model_context(request, org, name, "model")
    readme = next((file for file in context["files"] if file.path == "README.md"), None)
    if readme is not None and object_path(readme.sha256).is_file():
        text = object_path(readme.sha256).read_text(encoding="utf-8")
        context["card"] = render_card(text, file_address(context["model"], context["revision"], ""))
    return render(request, "modelzoo/card.html", context)


@require_safe
def files(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """The files of the revision, and all revisions."""
    context = model_context(request, org, name, "files")
    model, revision = context["model"], context["revision"]
    context["rows"] = [(file, file_address(model, revision, file.path)) for file in context["files"]]
    revisions = model.revisions.select_related("release").prefetch_related("refs")
    context["history"] = Paginator(revisions, PER_PAGE).get_page(request.GET.get("page"))
    context["may_withdraw"] = request.user.has_perm("modelzoo.publish_model")
    return render(request, "modelzoo/files.html", context)


@require_safe
def data(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """What it was trained on, and how."""
    context = model_context(request, org, name, "data")
    revision = context["revision"]
    if revision.release is not None:
        rows = revision.release.languages
        context["languages"] = [{"label": row["language"], "value": row["bytes"]} for row in rows[:15]]
        context["more_languages"] = max(0, len(rows) - 15)
    context["figures"] = [
        (words, revision.training[key], places)
        for key, words, places in FIGURES
        if isinstance(revision.training.get(key), int | float)
    ]
    context["derived"] = revision.derived.select_related("model")
    return render(request, "modelzoo/data.html", context)


@require_safe
def use(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """The exact commands to download and load it."""
    context = model_context(request, org, name, "use")
    endpoint, model, revision = context["endpoint"], context["model"], context["revision"]
    pinned = "" if context["is_head"] else revision.sha
    weights = next((file for file in context["files"] if file.lfs), None)
    address = f"{endpoint}{file_address(model, revision, weights.path)}" if weights else ""
    context |= {
        "pinned": pinned,
        "download": f"HF_ENDPOINT={endpoint} hf download {model}" + (f" --revision {pinned}" if pinned else ""),
        "curl": f'curl -fL -C - -H "Authorization: Bearer $HF_TOKEN" -O {address}' if address else "",
        "python": _snippet(str(model), pinned, endpoint),
    }
    return render(request, "modelzoo/use.html", context)


def _sum(rows: QuerySet[Any], key: str, field: str) -> Coalesce:
    total = rows.order_by().values(key).annotate(total=Sum(field)).values("total")
    return Coalesce(Subquery(total), 0)


def _snippet(repo_id: str, pinned: str, endpoint: str) -> str:
    revision = f', revision="{pinned}"' if pinned else ""
    return f'''import os

os.environ["HF_ENDPOINT"] = "{endpoint}"  # before transformers is imported

from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{repo_id}"{revision})
model = AutoModelForCausalLM.from_pretrained("{repo_id}"{revision})
prompt = tokenizer("def fibonacci(n):", return_tensors="pt")
print(tokenizer.decode(model.generate(**prompt, max_new_tokens=48)[0]))
'''
