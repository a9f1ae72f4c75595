"""Forms of the curators."""

import re
from typing import Any

from django import forms

from datasets_app.models import Source
from datasets_app.pipeline.reasons import REASONS
from datasets_app.pipeline.recipe import PRESETS
from datasets_app.services.releases import VERSION
from datasets_app.services.sources import INSTALLED


class IngestForm(forms.Form):
    """Which source to read."""

    source = forms.ChoiceField(label="Source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(Source.objects.values_list("name", flat=True))
        if INSTALLED not in names:
            names.insert(0, INSTALLED)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in names]


class BuildForm(forms.Form):
    """What to build. The version stands in the form, so that a form sent twice asks for the same release."""

    version = forms.RegexField(
        VERSION,
        label="Version",
        max_length=20,
        help_text="A “v” and two numbers. A new first number plans the shards anew.",
        error_messages={"invalid": "Use a “v” and two numbers, such as v1.1."},
    )
    recipe = forms.ChoiceField(
        label="Recipe", required=False, help_text="Thresholds and choices: which files are taken."
    )

    def __init__(self, *args: Any, has_parent: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["recipe"]
        assert isinstance(field, forms.ChoiceField)
        first = [("", "As in the release before")] if has_parent else []
        field.choices = first + [(name, name) for name in sorted(PRESETS)]

    def clean_version(self) -> str:
        """Without spaces around."""
        return re.sub(r"\s", "", self.cleaned_data["version"])


class ReasonForm(forms.Form):
    """Why a release is withdrawn or rejected."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown to everybody who comes to the release's page. Name no person and no account.",
    )


class CompareForm(forms.Form):
    """Which two releases to put side by side."""

    a = forms.ChoiceField(label="Before")
    b = forms.ChoiceField(label="Now")

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("a", "b"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(each, each.replace(":", " ")) for each in names]


class DecisionsForm(forms.Form):
    """Which files of a release's decisions to list; everything may be left empty."""

    reason = forms.ChoiceField(
        label="Reason",
        required=False,
        choices=[
            ("", "Every reason but “in the release”"),
            *((key, each.text[:1].upper() + each.text[1:]) for key, each in REASONS.items()),
        ],
    )
    owner_key = forms.CharField(label="Owner key", required=False, max_length=400)
    repository_key = forms.CharField(label="Repository key", required=False, max_length=600)
    path = forms.CharField(label="Path begins with", required=False, max_length=1000)
    taken = forms.BooleanField(label="With files that were taken", required=False)
