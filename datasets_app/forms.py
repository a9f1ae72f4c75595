"""Forms of the curators."""

import re
from collections.abc import Sequence
from typing import Any

from django import forms

from datasets_app import readers
from datasets_app.models import Source
from datasets_app.pipeline.reasons import REASONS
from datasets_app.pipeline.recipe import PRESETS
from datasets_app.services.releases import VERSION
from datasets_app.services.sources import INSTALLED, NAME


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


class SourceForm(forms.Form):
    """A new source of one kind, or how one is read; its fields are the kind's parameters.

    Args:
        kind: A key of ``readers.KINDS``.
        source: The one to change; None for a new one.
    """

    name = forms.RegexField(
        rf"^{NAME.pattern}\Z",
        label="Name",
        max_length=64,
        help_text="Lower-case letters, digits and hyphens. It names the source's table in the corpus, for good.",
        error_messages={"invalid": "Use lower-case letters, digits and hyphens, such as the-stack-python."},
    )

    def __init__(self, data: Any, *, kind: str, source: Source | None = None) -> None:
        initial = {"history": True} if source is None else {"name": source.name, **_as_typed(source.params)}
        super().__init__(data, initial=initial)
        self.kind = kind
        if source is not None:
            self.fields["name"].disabled = True
        for field, parameter in readers.PARAMETERS[kind].items():
            label, hint = SOURCE_FIELDS[field]
            if parameter.type is bool:
                self.fields[field] = forms.BooleanField(label=label, help_text=hint, required=False)
                continue
            lines = parameter.type is list
            widget = forms.Textarea(attrs={"rows": 4}) if lines else forms.TextInput()
            widget.attrs.update({"spellcheck": "false", "autocapitalize": "none", "class": "mono"})
            self.fields[field] = forms.CharField(
                label=label, help_text=hint, required=parameter.required, widget=widget, max_length=200_000
            )

    def params(self) -> dict[str, Any]:
        """The parameters as ``readers.open_source`` takes them, without the empty ones."""
        found: dict[str, Any] = {}
        for field, parameter in readers.PARAMETERS[self.kind].items():
            value = self.cleaned_data[field]
            if parameter.type is list:
                value = [line.strip() for line in value.splitlines() if line.strip()]
            if parameter.type is bool or value:
                found[field] = value
        return found


def _as_typed(params: dict[str, Any]) -> dict[str, Any]:
    return {field: "\n".join(value) if isinstance(value, list) else value for field, value in params.items()}


# Label and hint of each parameter of a source.
SOURCE_FIELDS = {
    "folder": ("Folder", "On the machine of the workers. All folders below it are looked into."),
    "paths": ("Folders or files", "On the machine of the workers, one a line."),
    "addresses": ("Addresses", "One a line, such as https://github.com/owner/name. Without a name and password."),
    "commit": ("Branch, tag or commit", "Of every repository. The default branch where empty."),
    "forge": ("Forge", "Of repositories of which only the folder owner/name tells the owner. github.com where empty."),
    "history": ("Fetch the whole history", "Then the authors of each file are told, as keyed hashes."),
    "all_releases": ("Take every release, not the newest alone", "Each then stands in a folder of its own."),
    "accounts": (
        "Table of account numbers",
        "A JSON file such as {&quot;github.com/octocat&quot;: 583231}. An account in it keeps its key when it is renamed.",
    ),
}


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

    decontaminate = forms.ChoiceField(
        label="Leave out files with text of a benchmark",
        required=False,
        choices=[("", "As the recipe says"), ("chosen", "Of those ticked below"), ("none", "Of none")],
        widget=forms.RadioSelect,
    )
    benchmarks = forms.MultipleChoiceField(
        label="Benchmarks", required=False, widget=forms.CheckboxSelectMultiple, choices=[]
    )

    def __init__(self, *args: Any, has_parent: bool, benchmarks: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        recipe, named = self.fields["recipe"], self.fields["benchmarks"]
        assert isinstance(recipe, forms.ChoiceField)
        assert isinstance(named, forms.MultipleChoiceField)
        first = [("", "As in the release before")] if has_parent else []
        recipe.choices = first + [(name, name) for name in sorted(PRESETS)]
        named.choices = [(name, name) for name in benchmarks]

    def clean(self) -> dict[str, Any]:
        """Which benchmarks are ticked has to agree with what is said above them."""
        chosen = self.cleaned_data.get("decontaminate") == "chosen"
        ticked = self.cleaned_data.get("benchmarks")
        if chosen and not ticked and "benchmarks" not in self.errors:
            self.add_error("benchmarks", "Tick at least one, or choose “Of none” above.")
        if ticked and not chosen and "decontaminate" not in self.errors:
            self.add_error(
                "decontaminate", "Benchmarks are ticked below: choose “Of those ticked below”, or untick them."
            )
        return self.cleaned_data

    def chosen_benchmarks(self) -> list[str] | None:
        """The names, or None where the recipe says which."""
        return list(self.cleaned_data["benchmarks"]) if self.cleaned_data["decontaminate"] else None

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


class BenchmarkForm(forms.Form):
    """A benchmark to add."""

    file = forms.FileField(
        label="File",
        help_text="JSON Lines in UTF-8. Its first line names the benchmark, each other line is an item.",
        widget=forms.FileInput(attrs={"accept": ".jsonl,.json,application/x-ndjson"}),
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
    language = forms.CharField(label="Language", required=False, max_length=80)
    owner_key = forms.CharField(label="Owner key", required=False, max_length=400)
    repository_key = forms.CharField(label="Repository key", required=False, max_length=600)
    path = forms.CharField(label="Path begins with", required=False, max_length=1000)
    taken = forms.BooleanField(label="With files that were taken", required=False)
