"""Changing runs: launching with a look at what it will do, cancelling, going on."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import Conflict, InvalidInput
from core.permissions import require
from core.session import signed_in
from datasets_app.models import Release
from modelzoo.models import Ref
from modelzoo.models.zoo import MAIN
from training_jobs import eligibility, services
from training_jobs.forms import LaunchForm, revision_key
from training_jobs.views.reading import find_run, rights


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def launch(request: HttpRequest) -> HttpResponse:
    """The form; then what the run will do; then the run. ``?release=name:version`` and ``?base=org/name`` fill it in."""
    require(signed_in(request), services.PERMISSION)
    if request.method != "POST":
        return _form(request, LaunchForm(initial=_initial(request)))
    step = request.POST.get("step", "check")
    if step == "change":
        return _form(request, LaunchForm(initial=request.POST.dict()))
    form = LaunchForm(request.POST)
    if not form.is_valid():
        return _form(request, form)
    if step != "start":
        plan = form.plan(settings.FAIRSTACK_ORGANISATION)
        context = {
            "form": form,
            "plan": plan,
            "config": form.config,
            "release": form.chosen_release,
            "base": form.chosen_base,
            "name": f"{settings.FAIRSTACK_ORGANISATION}/{form.cleaned_data['model_name']}",
            "behind": eligibility.behind(form.chosen_release),
        }
        return render(request, "training_jobs/check.html", context)
    try:
        run = services.launch(signed_in(request), **form.arguments())
    except (Conflict, InvalidInput) as error:  # something changed between the form's look and the launch
        form.add_error(None, str(error))
        return _form(request, form)
    return redirect(run)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Say what cancelling does, then do it."""
    run = find_run(run_id)
    _may_change(request, rights(request, run))
    if request.method == "POST":
        try:
            services.cancel(run, signed_in(request))
        except Conflict as error:
            messages.warning(request, str(error))
        else:
            messages.info(request, "The run is being cancelled. It can go on later from its last checkpoint.")
        return redirect(run)
    return render(request, "training_jobs/cancel.html", {"run": run})


@login_required
@require_POST
def go_on(request: HttpRequest, run_id: int) -> HttpResponse:
    """Take a cancelled or failed run up again."""
    run = find_run(run_id)
    _may_change(request, rights(request, run))
    try:
        services.go_on(run, signed_in(request))
    except Conflict as error:
        messages.warning(request, str(error))
    return redirect(run)


def _form(request: HttpRequest, form: LaunchForm) -> HttpResponse:
    refused = [why for release in Release.objects.filter(state="published") if (why := eligibility.refusal(release))]
    return render(request, "training_jobs/launch.html", {"form": form, "refused": refused})


def _initial(request: HttpRequest) -> dict[str, str]:
    given = {name: request.GET[name] for name in ("release", "model_name", "preset") if name in request.GET}
    org, _, name = request.GET.get("base", "").partition("/")
    ref = Ref.objects.filter(name=MAIN, model__org__iexact=org, model__name__iexact=name).select_related(
        "revision__model"
    )
    if (found := ref.first()) is not None:
        given["base"] = revision_key(found.revision)
    return given


def _may_change(request: HttpRequest, allowed: dict[str, bool]) -> None:
    require(signed_in(request), services.PERMISSION)
    if not allowed["may_change"]:
        raise PermissionDenied("This run was launched by another account.")
