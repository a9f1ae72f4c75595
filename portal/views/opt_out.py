"""The opt-out form: one thing a page, kept on the server from the first page on."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core import limits
from core.errors import Conflict, InvalidInput
from core.session import signed_in
from datasets_app import lookup
from portal.forms import AccountForm, ExtentForm, MessageForm, RepositoriesForm, ScopeForm, SendForm
from portal.models import OptOutRequest
from portal.policies import promises
from portal.references import is_reference
from portal.services import accounts, drafts, requests, staying
from portal.views.kept_form import keeps_form, sent, take

FORM = require_http_methods(["GET", "HEAD", "POST"])


@FORM
def start(request: HttpRequest) -> HttpResponse:
    """What will happen, before anything is asked. Sending it begins the draft."""
    if request.method == "POST":
        return begin(request)
    draft, kept = None, None
    if request.user.is_authenticated:
        draft, kept = drafts.current(signed_in(request)), take(request)
    asked = {key: (kept or request.GET).get(key, "")[:500] for key in ("account", "forge")}
    return render(request, "portal/opt_out/start.html", {"draft": draft, "asked": asked, "promises": promises()})


@keeps_form
def begin(request: HttpRequest) -> HttpResponse:
    """Begin or go on with the draft."""
    draft = drafts.start(signed_in(request))
    if (account := request.POST.get("account", "")) and not draft.account:
        try:
            drafts.set_account(draft, signed_in(request), account, request.POST.get("forge", ""))
        except InvalidInput:
            return redirect("portal:opt-out-account")
    return redirect(_page(drafts.missing_step(draft) or "check"))


@FORM
@keeps_form
def account(request: HttpRequest) -> HttpResponse:
    """Which account."""
    draft = _draft(request)
    if draft is None:
        return redirect("portal:opt-out")
    initial = {"account": draft.account, "forge": draft.forge, "organisation": draft.organisation}
    form = AccountForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            drafts.set_account(draft, signed_in(request), form.cleaned_data["account"], form.cleaned_data["forge"])
        except InvalidInput as error:
            form.refuse(error)
        else:
            drafts.set_extent(draft, signed_in(request), organisation=form.cleaned_data["organisation"])
            return _onward(request, draft, "scope")
    return _show(request, "account", draft, form)


@FORM
@keeps_form
def scope(request: HttpRequest) -> HttpResponse:
    """The whole account, certain repositories, or files written alone in those of others."""
    draft = _draft(request)
    if draft is None or not draft.account:
        return redirect("portal:opt-out")
    form = ScopeForm(sent(request), initial={"scope": draft.scope})
    if request.method == "POST" and form.is_valid():
        drafts.set_scope(draft, signed_in(request), form.cleaned_data["scope"])
        if draft.scope == OptOutRequest.REPOSITORIES:
            return HttpResponseRedirect(_page("repositories") + _returning(request))
        return _onward(request, draft, "extent")
    return _show(request, "scope", draft, form)


@FORM
@keeps_form
def repositories(request: HttpRequest) -> HttpResponse:
    """Which repositories."""
    draft = _draft(request)
    if draft is None or not draft.account:
        return redirect("portal:opt-out")
    held = _held_publicly(draft)
    chosen = {name.name_folded: name.name for name in draft.repositories.all()}
    folded = {name.casefold() for name in held}
    initial = {
        "held": [name for name in held if name.casefold() in chosen],
        "more": "\n".join(name for key, name in chosen.items() if key not in folded),
    }
    form = RepositoriesForm(sent(request), held=held, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            drafts.set_repositories(draft, signed_in(request), form.names())
        except InvalidInput as error:
            form.refuse(error)
        else:
            return _onward(request, draft, "extent")
    return _show(request, "repositories", draft, form)


@FORM
@keeps_form
def extent(request: HttpRequest) -> HttpResponse:
    """What else it covers: copies elsewhere, commits, issues."""
    draft = _draft(request)
    if draft is None or drafts.missing_step(draft):
        return redirect("portal:opt-out")
    initial = {"copies": draft.copies, "commits": draft.covers_commits, "issues": draft.covers_issues}
    form = ExtentForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        drafts.set_extent(draft, signed_in(request), **form.cleaned_data)
        return _onward(request, draft, "message")
    return _show(request, "extent", draft, form)


@FORM
@keeps_form
def message(request: HttpRequest) -> HttpResponse:
    """Anything that we should know."""
    draft = _draft(request)
    if draft is None or drafts.missing_step(draft):
        return redirect("portal:opt-out")
    form = MessageForm(sent(request), initial={"message": draft.message})
    if request.method == "POST" and form.is_valid():
        drafts.set_message(draft, signed_in(request), form.cleaned_data["message"])
        return redirect("portal:opt-out-preview")
    return _show(request, "message", draft, form)


@FORM
@keeps_form
def check(request: HttpRequest) -> HttpResponse:
    """Check your answers, then send. Sent twice, it is one request."""
    user = signed_in(request)
    draft = _draft(request)
    if draft is None:
        reference = request.POST.get("reference", "")
        rows = OptOutRequest.objects.filter(requester=user).exclude(state="draft")
        done = rows.filter(reference=reference).first() if is_reference(reference) else None
        return redirect("portal:opt-out-sent", done.reference) if done else redirect("portal:opt-out")
    if step := drafts.missing_step(draft):
        return redirect(_page(step))
    form = SendForm(sent(request), initial={"reference": draft.reference})
    if request.method == "POST" and form.is_valid():
        limits.hit("send", limits.account(user), limits.network(request))
        try:
            made = requests.submit(draft, user, contest=form.cleaned_data["contest"])
        except requests.AlreadyAsked as same:
            messages.info(request, str(same))
            return redirect(same.request)
        except Conflict as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("portal:opt-out-sent", made.reference)
    context = {
        "held": _held(draft),
        "repositories": list(draft.repositories.all()),
        "declared": staying.of_another(user, accounts.key_of(draft.forge, draft.account)),
    }
    return _show(request, "check", draft, form, **context)


@keeps_form
def confirmation(request: HttpRequest, reference: str) -> HttpResponse:
    """It was sent: the reference, and what comes next."""
    made = (
        OptOutRequest.objects.filter(requester=signed_in(request), reference=reference).exclude(state="draft").first()
    )
    if made is None:
        return redirect("portal:opt-out")
    return render(request, "portal/opt_out/sent.html", {"opt_out": made, "promises": promises()})


@require_POST
@keeps_form
def discard(request: HttpRequest) -> HttpResponse:
    """Delete the draft."""
    if draft := _draft(request):
        drafts.discard(draft, signed_in(request))
        messages.success(request, "The draft was deleted.")
    return redirect("portal:opt-out")


def _draft(request: HttpRequest) -> OptOutRequest | None:
    return drafts.current(signed_in(request))


def _page(step: str) -> str:
    return reverse(f"portal:opt-out-{step}")


def _returning(request: HttpRequest) -> str:
    return "?return=check" if "return" in request.GET else ""


def _onward(request: HttpRequest, draft: OptOutRequest, following: str) -> HttpResponse:
    """To the next page, or back to the last one where the person came from there to change one answer."""
    missing = drafts.missing_step(draft)
    if "return" in request.GET:
        return redirect(_page(missing or "check"))
    return redirect(_page(missing if missing and following in ("extent", "message") else following))


def _show(request: HttpRequest, step: str, draft: OptOutRequest, form: object, **more: object) -> HttpResponse:
    status = 200 if request.method in ("GET", "HEAD") else 422
    context = {"draft": draft, "form": form, "promises": promises(), **more}
    return render(request, f"portal/opt_out/{step}.html", context, status=status)


def _held(draft: OptOutRequest) -> lookup.Match | None:
    """What the public sees of the account: nothing here may tell more to someone who has proven nothing."""
    try:
        found = lookup.search(draft.account)
    except InvalidInput:
        return None
    return next((match for match in found.matches if match.owner.forge == draft.forge), None)


def _held_publicly(draft: OptOutRequest) -> list[str]:
    match = _held(draft)
    if match is None:
        return []
    return sorted({repository.name for held in match.releases for repository in held.repositories}, key=str.casefold)
