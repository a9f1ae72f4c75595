"""Forms of accounts and tokens."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm, UserCreationForm

from core import tokens
from core.models import ApiToken, User

__all__ = ["AddressForm", "AuditForm", "FirstPasswordForm", "PasswordForm", "SignInForm", "SignUpForm", "TokenForm"]


class SignInForm(AuthenticationForm):
    """Name and password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The name or the password is wrong. Passwords tell capitals from small letters.",
        "inactive": "This account was closed. Ask the staff of this site.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Name"
        self.fields["username"].widget.attrs.update({"spellcheck": "false", "autofocus": False})


class SignUpForm(UserCreationForm):
    """A new account: a name and a password suffice."""

    class Meta:
        model = User
        fields = ["username", "email"]
        labels = {"username": "Name", "email": "E-mail address"}
        help_texts = {
            "username": "Letters, digits and @ . + - _ only. It stands beside the models that you publish.",
            "email": "Only so that the staff can reach you about a request of yours. No page shows it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.update(
            {"spellcheck": "false", "autocapitalize": "none", "autofocus": False}
        )
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["password1"].help_text = "At least 10 characters. Three or four ordinary words are good."
        self.fields["password2"].label = "The password again"
        self.fields["password2"].help_text = ""


class PasswordForm(PasswordChangeForm):
    """The old password, and a new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Present password"
        self.fields["old_password"].widget.attrs["autofocus"] = False
        self.fields["new_password1"].help_text = "At least 10 characters. Three or four ordinary words are good."
        self.fields["new_password2"].label = "The new password again"
        self.fields["new_password2"].help_text = ""


class FirstPasswordForm(SetPasswordForm):
    """A password, twice, for who has none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = "At least 10 characters. Three or four ordinary words are good."
        self.fields["new_password2"].label = "The password again"
        self.fields["new_password2"].help_text = ""


class AddressForm(forms.ModelForm):
    """The optional address, which can be taken away again."""

    class Meta:
        model = User
        fields = ["email"]
        labels = {"email": "E-mail address"}
        help_texts = {
            "email": "Only so that the staff can reach you about a request of yours. Empty it to take it away."
        }


class TokenForm(forms.Form):
    """A new API token of one account, which may hold one live token of a name: a form sent twice makes one token."""

    name = forms.CharField(max_length=80, help_text="So that you know it again, such as “laptop” or “nightly build”.")
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=list(tokens.SCOPES.items()),
        initial=["read"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the token may do."},
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_name(self) -> str:
        """The name, where no live token has it."""
        name: str = self.cleaned_data["name"].strip()
        if ApiToken.objects.filter(user=self.user, name=name, revoked_at__isnull=True).exists():
            raise forms.ValidationError(
                f"You have a token called “{name}” already. Revoke it first, or choose another name."
            )
        return name


class AuditForm(forms.Form):
    """What the audit trail is narrowed to; all of it may be left out."""

    action = forms.CharField(required=False, max_length=80)
    object = forms.CharField(required=False, max_length=150, help_text="Such as portal.optoutrequest:17.")
    actor = forms.CharField(required=False, max_length=150, label="By", help_text="A name of the staff, or “system”.")
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, actions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = [("", "All"), *((action, action) for action in actions)]
        self.fields["action"].widget = forms.Select(choices=chosen)
