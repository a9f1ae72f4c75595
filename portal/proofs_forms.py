"""Forms of proofs and declarations: one thing a page."""

from django import forms

from portal.forms import PLAIN, ServiceErrors
from portal.policies import places


class SignatureForm(ServiceErrors):
    """An SSH signature."""

    signature = forms.CharField(
        label="The signature",
        help_text="From “-----BEGIN SSH SIGNATURE-----” to “-----END SSH SIGNATURE-----”, both lines with it.",
        max_length=16_384,
        widget=forms.Textarea(attrs={"rows": 8, **PLAIN}),
        error_messages={
            "required": "Paste the signature that the command printed.",
            "max_length": "That is longer than any signature. Paste the signature alone.",
        },
    )


class DomainForm(ServiceErrors):
    """A domain."""

    domain = forms.CharField(
        label="Domain",
        help_text="Such as example.org. Best is the one in the account's profile on the forge.",
        max_length=300,
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": "Enter the domain, such as example.org."},
    )


class AddressForm(ServiceErrors):
    """The address of an author of commits."""

    address = forms.EmailField(
        label="The address in your commits",
        help_text="As <code>git log</code> shows it. We compare it, and keep it nowhere.",
        max_length=320,
        widget=forms.EmailInput(attrs={**PLAIN, "autocomplete": "email"}),
        error_messages={
            "required": "Enter the address that your commits have.",
            "invalid": "This is not a mail address. Enter it as it stands in the commits.",
        },
    )


class CodeForm(ServiceErrors):
    """The code out of the mail."""

    code = forms.CharField(
        label="Code",
        help_text="Ten letters and digits. Capitals and the hyphen do not matter.",
        max_length=100,
        widget=forms.TextInput(attrs={**PLAIN, "autocomplete": "one-time-code"}),
        error_messages={"required": "Enter the code from the mail."},
    )


class StayForm(ServiceErrors):
    """Whose code stays in."""

    account = forms.CharField(
        label="Account",
        help_text="Its name, or its web address.",
        max_length=500,
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": "Enter the name of the account."},
    )
    forge = forms.ChoiceField(label="Where is it?", help_text="A web address tells this by itself.")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["forge"].choices = [(host, host) for host in places()]  # type: ignore[attr-defined]


class LookForm(ServiceErrors):
    """The repository where the challenge is."""

    repository = forms.CharField(
        label="Repository with the file or branch",
        max_length=200,
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": "Enter the name of the repository."},
    )
