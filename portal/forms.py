"""The portal's forms: one thing a page."""

from typing import Any

from django import forms
from django.utils.html import escape

from core.errors import InvalidInput
from portal.models import OptOutRequest
from portal.policies import forges, places
from portal.services.drafts import LONGEST_MESSAGE

PLAIN = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class ServiceErrors(forms.Form):
    """A form that can show what a service refused, at the field that the service named."""

    def refuse(self, error: InvalidInput) -> None:
        """Show an error at its field, or on top where the form has no such field."""
        self.add_error(error.field if error.field in self.fields else None, str(error))


class AccountForm(ServiceErrors):
    """Which account."""

    account = forms.CharField(
        max_length=500,
        label="Account",
        help_text="Its name, such as “ada”, or the web address of the account or of a repository.",
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={
            "required": "Enter the name of the account.",
            "max_length": "That is longer than any name or address.",
        },
    )
    forge = forms.ChoiceField(
        label="Where is it?",
        help_text="A web address tells this by itself.",
        error_messages={"required": "Choose where the account is."},
    )
    organisation = forms.BooleanField(
        required=False,
        label="It is the account of an organisation",
        help_text="We then ask for two proofs, and others who rule it can object for some time before we decide.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["forge"].choices = [(host, host) for host in places()]  # type: ignore[attr-defined]


class ScopeForm(ServiceErrors):
    """The whole account or certain repositories."""

    scope = forms.ChoiceField(
        label="What should be left out?",
        choices=OptOutRequest.SCOPES,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what should be left out."},
    )


class RepositoriesForm(ServiceErrors):
    """Which repositories: those that are held, to tick, and room for others."""

    held = forms.MultipleChoiceField(
        label="Repositories that we hold",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose from the list, or enter other repositories below."},
    )
    more = forms.CharField(
        label="Other repositories",
        required=False,
        max_length=60_000,
        help_text="One a line. They need not be in a release yet.",
        widget=forms.Textarea(attrs={**PLAIN, "rows": 4}),
    )

    def __init__(self, *args: Any, held: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["held"].choices = [(name, name) for name in held]  # type: ignore[attr-defined]
        if not held:
            del self.fields["held"]
            self.fields["more"].label = "Repositories"
            self.fields["more"].required = True
            self.fields["more"].error_messages["required"] = "Enter at least one repository."

    def names(self) -> list[str]:
        """All that was chosen and entered."""
        lines = self.cleaned_data["more"].replace(",", "\n").splitlines()
        return [*self.cleaned_data.get("held", []), *(line.strip() for line in lines if line.strip())]


class ExtentForm(ServiceErrors):
    """What else it covers."""

    copies = forms.BooleanField(
        required=False,
        label="Copies under other accounts, too",
        help_text="The same files, and files that are nearly the same. You see a preview before you send. It takes longer: we ask "
        "for two proofs, a reviewer compares what is not plain, and others can object.",
    )
    commits = forms.BooleanField(
        required=False,
        label="Commits: their messages and authors",
        help_text="This site holds no commits today. If it ever takes any in, yours stay out.",
    )
    issues = forms.BooleanField(
        required=False,
        label="Issues and comments",
        help_text="This site holds no issues today. If it ever takes any in, yours stay out.",
    )


class MessageForm(ServiceErrors):
    """Anything else."""

    message = forms.CharField(
        label="Is there anything that we should know?",
        required=False,
        help_text="Such as former names of the account. Only the reviewers read it.",
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"max_length": f"Shorten this to {LONGEST_MESSAGE:,} characters."},
        max_length=LONGEST_MESSAGE,
    )


class SendForm(ServiceErrors):
    """The last page before sending."""

    reference = forms.CharField(max_length=20, widget=forms.HiddenInput)
    mine = forms.BooleanField(
        label="The account is mine, or I speak for its owner.",
        error_messages={"required": "Say that the account is yours or that you speak for its owner."},
    )
    contest = forms.BooleanField(
        label="I contest the declaration: the account is mine, and I can show it by two different proofs.",
        required=False,
    )


class CheckForm(ServiceErrors):
    """Where the challenge file is."""

    repository = forms.CharField(
        label="Repository with the file",
        max_length=200,
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": "Enter the name of the repository that holds the file."},
    )

    def __init__(self, *args: Any, opt_out: OptOutRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if opt_out.scope == OptOutRequest.REPOSITORIES:
            names = list(opt_out.repositories.values_list("name", flat=True))
            self.fields["repository"] = forms.ChoiceField(
                label="Repository with the file",
                choices=[(name, name) for name in names],
                error_messages={"invalid_choice": "Choose one of the repositories that this request is about."},
            )
        else:
            self.fields["repository"].help_text = escape(
                f"The name alone. Any repository of {opt_out.account} will do."
            )


class VerifyForm(ServiceErrors):
    """A reviewer's word on ownership."""

    note = forms.CharField(
        label="How do you know that the account is the requester's?",
        help_text="For the desk alone.",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say how you know that the account is the requester's."},
    )


def provable(opt_out: OptOutRequest) -> bool:
    """Whether a challenge file can prove this account: its forge has git repositories that we can read."""
    return opt_out.forge in forges()
