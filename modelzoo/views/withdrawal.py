"""Taking a revision back: what that does is said first, then done."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core.errors import Conflict, InvalidInput
from core.permissions import require
from modelzoo.forms import WithdrawForm
from modelzoo.models import Revision
from modelzoo.services import withdraw_revision
from modelzoo.views.page import model_or_404, revision_or_404, viewer


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, org: str, name: str, sha: str) -> HttpResponse:
    """For people who may publish."""
    model = model_or_404(org, name)
    revision = revision_or_404(model, sha)
    user = viewer(request)
    if user is None:
        return redirect_to_login(request.get_full_path())
    require(user, "modelzoo.publish_model")
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw_revision(user, revision, form.cleaned_data["reason"])
            messages.success(request, f"{revision} was withdrawn. Whoever asks for it is told why.")
            return redirect("zoo:files", org, name)
        except InvalidInput as error:
            form.add_error("reason", str(error))
        except Conflict as error:
            messages.info(request, str(error))
            return redirect("zoo:files", org, name)
    derived = Revision.objects.filter(base=revision).select_related("model")
    context = {"model": model, "revision": revision, "form": form, "derived": derived}
    return render(request, "modelzoo/withdraw.html", context, status=422 if form.is_bound else 200)
