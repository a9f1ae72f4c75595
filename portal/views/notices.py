"""What people were told."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core.session import signed_in
from portal.services import notices
from portal.views.kept_form import keeps_form

A_PAGE = 30


@require_safe
@keeps_form
def notice_list(request: HttpRequest) -> HttpResponse:
    """One's own notices, newest first."""
    user = signed_in(request)
    page = Paginator(notices.of_user(user), A_PAGE).get_page(request.GET.get("page"))
    shown = [
        {"notice": one, "title": notices.title_of(one), "words": notices.words_of(one)} for one in page.object_list
    ]
    context = {"page_obj": page, "shown": shown, "unread": notices.unread(user), "address": user.email}
    return render(request, "portal/notices.html", context)


@require_safe
@keeps_form
def follow(request: HttpRequest, number: int) -> HttpResponse:
    """Go to the page that a notice is about; it counts as read then."""
    user = signed_in(request)
    found = notices.of_user(user).filter(pk=number).first()
    if found is None:
        raise Http404("There is no such notice, or it is not yours.")
    notices.mark_read(user, notice=found.pk)
    return redirect(notices.page_of(found))


@require_POST
@keeps_form
def read(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    notices.mark_read(signed_in(request))
    return redirect("portal:notices")
