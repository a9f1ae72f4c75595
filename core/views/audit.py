"""The audit trail for auditors and administrators, and its export."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core import audit_trail
from core.audit_trail import Filter
from core.errors import InvalidInput
from core.forms import AuditForm
from core.permissions import require
from core.session import signed_in


@login_required
@never_cache
@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """Entries by filter, newest first."""
    require(signed_in(request), audit_trail.VIEW)
    form = AuditForm(request.GET or None, actions=audit_trail.actions())
    page = None
    if not form.is_bound or form.is_valid():
        wanted = _filter(form)
        try:
            page = audit_trail.page(
                signed_in(request), wanted, before=_key(request, "before"), after=_key(request, "after")
            )
        except InvalidInput as error:
            form.add_error(error.field, str(error))
    query = urlencode({name: value for name, value in request.GET.items() if name in form.fields and value})
    context = {"form": form, "page": page, "query": query, "most": audit_trail.MOST_EXPORTED}
    return render(request, "core/audit.html", context, status=200 if page else 422)


@login_required
@never_cache
@require_safe
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The same entries as CSV."""
    require(signed_in(request), audit_trail.VIEW)
    form = AuditForm(request.GET, actions=audit_trail.actions())
    try:
        if not form.is_valid():
            raise InvalidInput("The filter cannot be read. Set it on the page of the audit trail.")
        lines = audit_trail.exported(signed_in(request), _filter(form))
    except InvalidInput as error:
        return HttpResponse(f"{error}\n", status=422, content_type="text/plain; charset=utf-8")
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit-trail.csv"'},
    )


def _filter(form: AuditForm) -> Filter:
    return Filter(**form.cleaned_data) if form.is_bound else Filter()


def _key(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0
