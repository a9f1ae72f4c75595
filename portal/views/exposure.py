"""The exposure matrix of an account: its pages and downloads, for its verified owner and those who read the desk."""

import csv
import json
from collections.abc import Iterator

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from core.session import signed_in
from datasets_app.models import Owner, Repository
from datasets_app.services import preview
from portal import matrix, matrix_files
from portal.may_see import may_see, owners_of
from portal.models import OptOutRequest
from portal.tables import HARMLESS_TYPE, Echo, harmless
from portal.views.kept_form import keeps_form

NO_ACCOUNT = "There is no such account, or you have not shown that it is yours."


@require_safe
@keeps_form
def accounts(request: HttpRequest) -> HttpResponse:
    """The accounts that one may look at in full."""
    return render(request, "portal/exposure/accounts.html", {"owners": owners_of(signed_in(request))})


@require_safe
@keeps_form
def of_request(request: HttpRequest, reference: str) -> HttpResponse:
    """The account that a request names: leads to its matrix, or to a choice where several bear the name."""
    user = signed_in(request)
    found = OptOutRequest.objects.filter(reference=reference).exclude(state="draft").first()
    if found is None or not found.may_be_seen_by(user):
        raise Http404("There is no such request, or it is not yours.")
    rows = Owner.objects.filter(forge=found.forge, login_folded=found.account.casefold()).order_by("pk")
    owners = [owner for owner in rows if may_see(user, owner)]
    if len(owners) == 1:
        return redirect("portal:exposure", owners[0].pk)
    return render(request, "portal/exposure/accounts.html", {"owners": owners, "opt_out": found})


@require_safe
@keeps_form
def owner_page(request: HttpRequest, owner_id: int) -> HttpResponse:
    """Each repository of an account by release and by model."""
    owner = _owner(request, owner_id)
    found = matrix.of(owner)
    begins = request.GET.get("begins", "")[:200]
    page: Page[Repository] = Paginator(matrix.repositories_of(owner, begins), matrix.ROWS).get_page(
        request.GET.get("page")
    )
    context = {
        "owner": owner,
        "matrix": found,
        "totals": matrix.totals(found),
        "begins": begins,
        "page_obj": page,
        "rows": found.rows(list(page.object_list)),
        "effects": preview.effects(owner) if request.GET.get("effects") else None,
    }
    return render(request, "portal/exposure/owner.html", context)


@require_safe
@keeps_form
def repository_page(request: HttpRequest, owner_id: int, repository_id: int) -> HttpResponse:
    """Each file of a repository by release; the models as for the repository."""
    owner = _owner(request, owner_id)
    repository = owner.repositories.filter(pk=repository_id).first()
    if repository is None:
        raise Http404("The account has no such repository here.")
    found = matrix.of(owner)
    number = _number(request)
    part = matrix_files.files(found, repository, (number - 1) * matrix_files.ROWS)
    context = {
        "owner": owner,
        "repository": repository,
        "matrix": found,
        "row": found.rows([repository])[0],
        "files": part,
        "page_obj": Paginator(range(part.total), matrix_files.ROWS).get_page(number),
    }
    return render(request, "portal/exposure/repository.html", context)


@require_safe
@keeps_form
def download(request: HttpRequest, owner_id: int, kind: str) -> HttpResponse:
    """Every repository by every release and model, as ``csv`` or ``json``."""
    owner = _owner(request, owner_id)
    if kind not in DOWNLOADS:
        raise Http404("There are downloads as csv and as json.")
    write, content_type = DOWNLOADS[kind]
    response = StreamingHttpResponse(write(owner), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="exposure.{kind}"'
    return response  # type: ignore[return-value]


def _csv(owner: Owner) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(["repository", "kind", "release or model", "standing", "files", "copies"])
    for found, row in matrix.everything(owner):
        name = harmless(row.repository.name)
        for release, cell in zip(found.releases, row.releases, strict=True):
            yield writer.writerow([name, "release", str(release), cell.standing, cell.files, cell.copies])
        for model, cell in zip(found.models, row.models, strict=True):
            yield writer.writerow([name, "model", harmless(model.name), cell.standing, "", ""])


def _json(owner: Owner) -> Iterator[str]:
    yield json.dumps({"forge": owner.forge, "account": owner.login}, ensure_ascii=False)[:-1] + ', "repositories": ['
    for number, (found, row) in enumerate(matrix.everything(owner)):
        yield (",\n" if number else "\n") + json.dumps(matrix.to_dict(found, row), ensure_ascii=False)
    yield "\n]}\n"


DOWNLOADS = {"csv": (_csv, HARMLESS_TYPE), "json": (_json, "application/json")}


def _owner(request: HttpRequest, owner_id: int) -> Owner:
    """The account; to everybody who may not see it there is none."""
    owner = Owner.objects.filter(pk=owner_id).first()
    if owner is None or not may_see(signed_in(request), owner):
        raise Http404(NO_ACCOUNT)
    return owner


def _number(request: HttpRequest) -> int:
    try:
        return min(max(1, int(request.GET.get("page", "1"))), 1_000_000)
    except ValueError:
        return 1
