"""What a requester answers: a question, a rejection."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core.errors import Conflict, InvalidInput
from core.session import signed_in
from portal.policies import after, promises
from portal.reply_forms import AnswerForm, AppealForm
from portal.services import appeals, questions
from portal.views.kept_form import keeps_form, sent
from portal.views.requests import own


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def answer(request: HttpRequest, reference: str) -> HttpResponse:
    """Answer the open question."""
    opt_out = own(request, reference)
    asked = questions.open_question(opt_out)
    if request.method != "POST" and (asked is None or opt_out.state != "needs_info"):
        return redirect(opt_out)
    form = AnswerForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            questions.answer(opt_out, signed_in(request), form.cleaned_data["answer"])
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            messages.error(request, str(error))
            return redirect(opt_out)
        else:
            messages.success(request, "Your answer was sent. The request is with the reviewers again.")
            return redirect(opt_out)
    return _form(request, "answer", {"opt_out": opt_out, "form": form, "asked": asked})


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def appeal(request: HttpRequest, reference: str) -> HttpResponse:
    """Appeal against a rejection."""
    opt_out = own(request, reference)
    if request.method != "POST" and not appeals.possible(opt_out):
        return redirect(opt_out)
    form = AppealForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            appeals.appeal(opt_out, signed_in(request), form.cleaned_data["text"])
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            messages.error(request, str(error))
            return redirect(opt_out)
        else:
            messages.success(request, "Your appeal was sent. Another reviewer looks at it.")
            return redirect(opt_out)
    until = after(opt_out.decided_at, promises().may_appeal) if opt_out.decided_at else None
    return _form(request, "appeal", {"opt_out": opt_out, "form": form, "until": until, "promises": promises()})


def _form(request: HttpRequest, name: str, context: dict[str, object]) -> HttpResponse:
    form = context["form"]
    wrong = bool(getattr(form, "is_bound", False) and getattr(form, "errors", None))
    return render(request, f"portal/requests/{name}.html", context, status=422 if wrong else 200)
