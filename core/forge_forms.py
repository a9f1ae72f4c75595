"""The form of a new account that comes through a forge."""

from typing import Any

from allauth.socialaccount.forms import SignupForm


class ForgeSignUpForm(SignupForm):
    """A name, proposed by the forge. No mail address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["email"]  # allauth insists that the setting lists it
        name = self.fields["username"]
        name.label = "Name"
        name.help_text = "Letters, digits and @ . + - _ only. It stands beside the models that you publish."
        name.widget.attrs = {"spellcheck": "false", "autocapitalize": "none", "autocomplete": "username"}
