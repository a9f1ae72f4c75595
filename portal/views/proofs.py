"""Proving that an account is one's own: what is missing, and a page for each way."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.urls.converters import StringConverter
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import limits
from core.errors import Conflict, InvalidInput, TooMany
from core.forge_accounts import linked
from core.session import signed_in
from core.sign_in import leads_to_providers
from core.views.forge_accounts import lead
from portal.forms import CheckForm, ServiceErrors
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.proofs import challenge, dns, forge, rules, ssh
from portal.proofs.outcomes import OUTCOMES
from portal.proofs.ways import CHALLENGED, PAGES, is_open, ways
from portal.proofs_forms import AddressForm, CodeForm, DomainForm, SignatureForm
from portal.services import author_mail, forge_proofs, verification
from portal.views.kept_form import keeps_form, sent
from portal.views.requests import own


class Way(StringConverter):
    """A way in an address: a key of ``CHALLENGED``."""

    regex = "|".join(CHALLENGED)


Page = Callable[[HttpRequest, OptOutRequest], HttpResponse]
View = Callable[..., HttpResponse]


def _page_of(kind: str, guard: Callable[[View], View] = keeps_form) -> Callable[[Page], View]:
    """The page of one way, for the requester whose request waits for it; others are led to where they can go on."""

    def decorate(page: Page) -> View:
        @require_http_methods(["GET", "HEAD", "POST"])
        @guard
        @wraps(page)
        def wrapped(request: HttpRequest, reference: str) -> HttpResponse:
            opt_out = own(request, reference)
            if opt_out.state != "verifying":
                return redirect(opt_out)
            if not rules.strength(opt_out, kind) or not is_open(opt_out, kind):
                return redirect("portal:proof", reference)
            if any(proof.kind == kind for proof in rules.counting(opt_out)):
                messages.info(request, "This proof has passed already.")
                return redirect("portal:proof", reference)
            return page(request, opt_out)

        return wrapped

    return decorate


@require_safe
@keeps_form
def overview(request: HttpRequest, reference: str) -> HttpResponse:
    """What is missing, and the ways to give it."""
    opt_out = own(request, reference)
    if opt_out.state != "verifying":
        return redirect(opt_out)
    context = {
        "opt_out": opt_out,
        "rule": rules.rule_of(opt_out),
        "passed": rules.counting(opt_out),
        "missing": rules.missing(opt_out),
        "ways": ways(opt_out),
    }
    return render(request, "portal/proofs/overview.html", context)


@leads_to_providers
@_page_of(Proof.FORGE)
def account(request: HttpRequest, opt_out: OptOutRequest) -> HttpResponse:
    """Sign in with the account on its forge."""
    page = reverse("portal:proof-account", args=[opt_out.reference])
    if request.method == "POST":
        try:
            provider = forge_proofs.may_begin(opt_out, signed_in(request))
        except Conflict as error:
            return _refused(request, opt_out, error)
        return lead(
            request,
            provider,
            "redirect",
            page,
            {"proof": opt_out.reference},
            otherwise=page,
            organisations=opt_out.organisation,
        )
    context = {
        "opt_out": opt_out,
        "provider": forge.provider_for(opt_out),
        "proof": verification.current_challenge(opt_out, Proof.FORGE),
        "linked": [
            one for _, one in linked(signed_in(request)) if one.forge == opt_out.forge and not opt_out.organisation
        ],
    }
    return render(request, "portal/proofs/account.html", context)


@require_POST
@keeps_form
def linked_account(request: HttpRequest, reference: str) -> HttpResponse:
    """Take an account that is linked as the proof."""
    opt_out = own(request, reference)
    try:
        outcome = forge_proofs.by_link(opt_out, signed_in(request))
    except Conflict as error:
        return _refused(request, opt_out, error)
    return told(request, opt_out, outcome, "proof-account")


@_page_of(Proof.CHALLENGE_FILE)
def file(request: HttpRequest, opt_out: OptOutRequest) -> HttpResponse:
    """A file or a branch in a repository."""
    form = CheckForm(sent(request), opt_out=opt_out)

    def act() -> None:
        verification.start_check(opt_out, signed_in(request), form.cleaned_data["repository"])

    return _checked(request, opt_out, "file", form, act)


@_page_of(Proof.SSH)
def ssh_signature(request: HttpRequest, opt_out: OptOutRequest) -> HttpResponse:
    """A signature with a published key."""
    if verification.current_challenge(opt_out, Proof.SSH) is None:
        verification.issue_challenge(opt_out, signed_in(request), Proof.SSH)
    form = SignatureForm(sent(request))

    def act() -> None:
        signature = form.cleaned_data["signature"]
        verification.start_check(opt_out, signed_in(request), kind=Proof.SSH, signature=signature)

    return _checked(request, opt_out, "ssh", form, act)


@_page_of(Proof.DNS)
def domain(request: HttpRequest, opt_out: OptOutRequest) -> HttpResponse:
    """A record of the domain: first its name, then the record and the check."""
    proof = verification.current_challenge(opt_out, Proof.DNS)
    choosing = proof is None or proof.expired or bool((given := sent(request)) and given.get("act") == "domain")
    form = DomainForm(sent(request)) if choosing else ServiceErrors(sent(request))

    def act() -> None:
        if choosing:
            verification.issue_challenge(opt_out, signed_in(request), Proof.DNS, form.cleaned_data["domain"])
        else:
            verification.start_check(opt_out, signed_in(request), kind=Proof.DNS)

    return _checked(request, opt_out, "dns", form, act, choosing=choosing)


@never_cache
@_page_of(Proof.MAIL, guard=login_required)
def mail(request: HttpRequest, opt_out: OptOutRequest) -> HttpResponse:
    """Mail to the author of commits: first the address, then the code. Neither is kept over the end of a session."""
    user = signed_in(request)
    proof = verification.current_challenge(opt_out, Proof.MAIL)
    given = request.POST if request.method == "POST" else None
    coding = given is not None and given.get("act") == "code"
    form: ServiceErrors = CodeForm(given) if coding else AddressForm(given)
    if given is not None and form.is_valid():
        try:
            if coding:
                outcome = author_mail.confirm(opt_out, user, form.cleaned_data["code"])
                if OUTCOMES[outcome].passed:
                    return told(request, opt_out, outcome, "proof-mail")
                form.add_error("code", OUTCOMES[outcome].words)
            else:
                author_mail.ask(opt_out, user, form.cleaned_data["address"])
                return redirect("portal:proof-mail", opt_out.reference)
        except InvalidInput as error:
            form.refuse(error)
        except TooMany:
            raise
        except Conflict as error:
            form.add_error(None, str(error))
    wrong = form.is_bound and bool(form.errors)
    context = {
        "opt_out": opt_out,
        "proof": proof if proof and not proof.expired else None,
        "form": form,
        "address": form if not coding else AddressForm(),
        "code": form if coding else CodeForm(),
    }
    return render(request, "portal/proofs/mail.html", context, status=422 if wrong else 200)


@_page_of(Proof.CO_OWNER)
def co_owner(request: HttpRequest, opt_out: OptOutRequest) -> HttpResponse:
    """Make the link for a second owner; it is shown this once."""
    link = ""
    if request.method == "POST":
        try:
            _, secret = forge_proofs.invite(opt_out, signed_in(request))
        except Conflict as error:
            return _refused(request, opt_out, error)
        link = request.build_absolute_uri(reverse("portal:co-owner", args=[secret]))
    proof = verification.current_challenge(opt_out, Proof.CO_OWNER)
    context = {"opt_out": opt_out, "proof": proof if proof and not proof.expired else None, "link": link}
    return render(request, "portal/proofs/co_owner.html", context)


@require_safe
@keeps_form
def checks(request: HttpRequest, reference: str, way: str) -> HttpResponse:
    """The part of a way's page that changes by itself while a check runs."""
    opt_out = own(request, reference)
    context = {
        "opt_out": opt_out,
        "checks": _checks(opt_out, CHALLENGED[way]),
        "way": way,
        "page": PAGES[CHALLENGED[way]],
    }
    return render(request, "portal/proofs/checks.html", context)


@require_POST
@keeps_form
def new_challenge(request: HttpRequest, reference: str, way: str) -> HttpResponse:
    """A new challenge of the same kind."""
    opt_out = own(request, reference)
    kind = CHALLENGED[way]
    before = verification.current_challenge(opt_out, kind)
    limits.hit("check", limits.account(signed_in(request)), limits.network(request))
    try:
        verification.issue_challenge(opt_out, signed_in(request), kind, before.subject if before else "")
    except Conflict as error:
        messages.error(request, str(error))
        return redirect(opt_out)
    messages.success(request, "Here is a new challenge. Use it in place of the old one.")
    return redirect(f"portal:{PAGES[kind]}", reference)


def told(request: HttpRequest, opt_out: OptOutRequest, outcome: str, page: str) -> HttpResponse:
    """Say what came of a proof, and go where the next step is."""
    opt_out.refresh_from_db()
    if not OUTCOMES[outcome].passed:
        messages.warning(request, OUTCOMES[outcome].words)
        return redirect(f"portal:{page}", opt_out.reference)
    if opt_out.state == "verifying":
        messages.success(request, f"{OUTCOMES[outcome].words} One more proof is missing.")
        return redirect("portal:proof", opt_out.reference)
    messages.success(request, f"{OUTCOMES[outcome].words} Your code is hidden on this site now.")
    return redirect(opt_out)


def _checked(
    request: HttpRequest, opt_out: OptOutRequest, way: str, form: ServiceErrors, act: Callable[[], None], **more: object
) -> HttpResponse:
    """A page with a challenge, a form that asks for a look, and what the last looks found."""
    kind = CHALLENGED[way]
    if request.method == "POST" and form.is_valid():
        try:
            limits.hit("check", limits.account(signed_in(request)), limits.network(request))
            act()
        except InvalidInput as error:
            form.refuse(error)
        except TooMany:
            raise
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            return redirect(f"portal:{PAGES[kind]}", opt_out.reference)
    proof = verification.current_challenge(opt_out, kind)
    context = {
        "opt_out": opt_out,
        "form": form,
        "proof": proof,
        "checks": _checks(opt_out, kind),
        "way": way,
        "page": PAGES[kind],
        "file_name": challenge.FILE_NAME,
        "namespace": ssh.NAMESPACE,
        "record": dns.record_name(proof.subject) if proof and proof.subject else "",
        **more,
    }
    return render(request, f"portal/proofs/{way}.html", context, status=422 if form.is_bound and form.errors else 200)


def _refused(request: HttpRequest, opt_out: OptOutRequest, error: Conflict) -> HttpResponse:
    messages.error(request, str(error))
    return redirect("portal:proof", opt_out.reference)


def _checks(opt_out: OptOutRequest, kind: str) -> list[ProofCheck]:
    proof = verification.current_challenge(opt_out, kind)
    return list(proof.checks.select_related("job", "proof")[:10]) if proof else []
