"""The zoo's forms."""

from typing import Any

from django import forms

from modelzoo.models import LicenceTerms


class AcceptForm(forms.Form):
    """One box to tick: the licence with its use restrictions and its sharing duties, for the version that was shown."""

    accept = forms.BooleanField(
        label="I accept the licence agreement, its use restrictions and its sharing requirements.",
        error_messages={"required": "Tick the box if you accept the licence. Without that the files stay closed."},
    )
    terms = forms.ModelChoiceField(
        LicenceTerms.objects.all(),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "The licence shown is not known here any more: load the page again."},
    )
    next = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""


class WithdrawForm(forms.Form):
    """Why a revision is taken back."""

    reason = forms.CharField(
        label="Why is it withdrawn?",
        max_length=500,
        help_text="Whoever asks for the revision reads this. Name no person and no account.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why the revision is withdrawn: whoever asks for it will read this."},
    )
