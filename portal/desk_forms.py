"""The desk's forms: filters, decisions, questions, and what to do with many requests at once."""

from typing import Any

from django import forms

from portal import reasons
from portal.forms import ServiceErrors
from portal.models import OptOutRequest
from portal.policies import places
from portal.services import bulk
from portal.stay_rules import GROUND_CHOICES
from portal.texts import LONGEST


def _long(label: str, hint: str, missing: str = "", rows: int = 3) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        required=bool(missing),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={"required": missing} if missing else None,
    )


class AcceptForm(ServiceErrors):
    """Accepting, or granting an appeal."""

    remark = _long("Note", "For the desk alone.", rows=2)


class RejectForm(ServiceErrors):
    """Rejecting, or denying an appeal."""

    code = forms.ChoiceField(
        label="Reason",
        help_text="The requester reads its words before yours.",
        choices=[("", "Choose a reason"), *reasons.CHOICES],
        required=False,
    )
    reason = _long("In your words", "The requester reads this.", missing="Give the reason: the requester will read it.")


class PartForm(ServiceErrors):
    """Accepting in part: what is not granted, and why."""

    refused = forms.MultipleChoiceField(
        label="Not granted",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one repository that is not granted."},
    )
    part_code = forms.ChoiceField(label="Reason", choices=reasons.CHOICES, initial="others_content")
    part_text = _long(
        "In your words",
        "The requester reads this beside each repository that is not granted.",
        missing="Give the reason: the requester will read it.",
    )

    def __init__(self, *args: Any, names: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["refused"].choices = sorted(names.items())  # type: ignore[attr-defined]


class AskForm(ServiceErrors):
    """Asking the requester."""

    question = _long("Question", "The requester reads this, and the request waits.", missing="Write the question.")


class ExtendForm(ServiceErrors):
    """Taking more time."""

    extension = _long("Reason", "The requester reads this.", missing="Give the reason: the requester will read it.")


class WeighForm(ServiceErrors):
    """Weighing an objection."""

    objection = forms.IntegerField(widget=forms.HiddenInput)
    upheld = forms.ChoiceField(
        label="What do you find?",
        choices=[("yes", "Uphold it"), ("no", "Dismiss it")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether to uphold it."},
    )
    why = _long("Reason", "Both sides read this.", missing="Give the reason: both sides will read it.")


class EndDeclarationForm(ServiceErrors):
    """Ending somebody's declaration that an account stays in."""

    code = forms.ChoiceField(label="Ground", choices=GROUND_CHOICES)
    text = _long(
        "In your words",
        "Who declared it reads this.",
        missing="Give the reason: who declared it will read it.",
    )


class QueueForm(forms.Form):
    """The desk's filters."""

    SHOW = [
        ("open", "Open"),
        ("triage", "To decide"),
        ("second", "Needs a second reviewer"),
        ("objection", "Open to objections"),
        ("objections", "With an objection to weigh"),
        ("appeal", "Appeals"),
        ("needs_info", "Waiting for an answer"),
        ("verifying", "Waiting for proof"),
        ("accepted", "Accepted, not yet removed"),
        ("ended", "Ended"),
        ("all", "All"),
    ]
    show = forms.ChoiceField(choices=SHOW, required=False)
    scope = forms.ChoiceField(required=False, choices=[("", "Every scope"), *OptOutRequest.SCOPES])
    forge = forms.ChoiceField(required=False)
    overdue = forms.BooleanField(required=False, label="Overdue only")
    q = forms.CharField(max_length=200, required=False, label="Reference, account or person")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["forge"].choices = [("", "Every forge"), *((host, host) for host in places())]  # type: ignore[attr-defined]


class BulkForm(ServiceErrors):
    """What to do with the chosen requests."""

    act = forms.ChoiceField(
        label="With those chosen",
        choices=list(bulk.ACTS.items()),
        error_messages={"required": "Choose what to do."},
    )
    code = forms.ChoiceField(label="Reason, to reject", choices=reasons.CHOICES, initial="other", required=False)
    text = _long("Words", "The reason or the question, which each requester reads; or a note for the desk.", rows=2)
