"""The form by which a run is launched."""

import uuid
from typing import Any

from django import forms
from django.conf import settings

from core.errors import Conflict, InvalidInput
from core.formats import duration, number
from datasets_app.models import Release
from modelzoo.models import Ref, Revision
from modelzoo.models.zoo import MAIN
from training_jobs import eligibility, services
from training_jobs.plan import Plan, parameters_of, plan
from training_jobs.trainer.config import PRESETS, TrainConfig


def base_revisions() -> list[Revision]:
    """The revisions a run may start from: the newest of each model that has not been withdrawn."""
    refs = (
        Ref.objects.filter(name=MAIN, revision__withdrawn_at__isnull=True)
        .select_related("revision__model", "revision__release", "revision__terms")
        .order_by("model__org", "model__name")
    )
    return [ref.revision for ref in refs]


def preset_label(name: str) -> str:
    """What one must know to choose a preset."""
    preset = PRESETS[name]
    ends = [f"{number(preset.steps)} steps" if preset.steps else "", duration(preset.seconds) if preset.seconds else ""]
    return (
        f"{name}: {' or '.join(end for end in ends if end)}; a new model has {number(parameters_of(preset))} parameters"
    )


class LaunchForm(forms.Form):
    """What a run needs to know. Checks everything that the service checks, so that errors stand beside their fields."""

    release = forms.ChoiceField(help_text="What it learns from. Published releases with a current block-list.")
    base = forms.ChoiceField(
        label="Start from",
        required=False,
        help_text="A new model, or one of the zoo: then its shape and its tokenizer are used, and its licence goes on.",
    )
    preset = forms.ChoiceField(
        widget=forms.RadioSelect,
        help_text="Sizes and settings that go together.",
        initial="demo" if "demo" in PRESETS else None,
    )
    model_name = forms.CharField(
        label="Name of the model",
        max_length=96,
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false", "autocomplete": "off"}),
    )
    steps = forms.IntegerField(
        label="End after steps", required=False, min_value=1, help_text="Steps of the optimizer."
    )
    seconds = forms.FloatField(
        label="End after seconds",
        required=False,
        min_value=1,
        help_text="Whichever comes first ends the run. Leave both empty for the preset's own end.",
    )
    lr = forms.FloatField(
        label="Learning rate",
        required=False,
        help_text="At its highest. Leave it empty for the preset's.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    request_token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.releases = {f"{release.name}:{release.version}": release for release in eligibility.open_releases()}
        self.bases = {revision_key(revision): revision for revision in base_revisions()}
        self.config: TrainConfig | None = None
        org = settings.FAIRSTACK_ORGANISATION
        self.fields[
            "model_name"
        ].help_text = (
            f"What stands after {org}/ in the zoo. A model of this name that is there already gets a new revision."
        )
        _choices(self, "release", [(key, _release_label(release)) for key, release in self.releases.items()])
        _choices(self, "base", [("", "From scratch"), *[(key, _base_label(base)) for key, base in self.bases.items()]])
        _choices(self, "preset", [(name, preset_label(name)) for name in PRESETS])
        if not self.is_bound:
            self.initial.setdefault("request_token", uuid.uuid4().hex)

    def clean(self) -> dict[str, Any]:
        """Ask the services, which know the rules."""
        cleaned = super().clean() or {}
        if "model_name" in cleaned and "base" in cleaned:
            self._ask("model_name", lambda: services.check_model(cleaned["model_name"], self.chosen_base))
        if {"base", "preset", "steps", "seconds", "lr"} <= cleaned.keys():
            self._ask("preset", self._make_config)
        if {"base", "release"} <= cleaned.keys():
            self._ask("release", lambda: services.check_usable(self.chosen_release, self.chosen_base))
        return cleaned

    @property
    def chosen_release(self) -> Release:
        """The release that was chosen."""
        return self.releases[self.cleaned_data["release"]]

    @property
    def chosen_base(self) -> Revision | None:
        """The revision to start from, or None."""
        return self.bases.get(self.cleaned_data.get("base", ""))

    def arguments(self) -> dict[str, Any]:
        """What ``services.launch`` takes."""
        return {
            **self._shape(),
            "release": self.chosen_release,
            "model_name": self.cleaned_data["model_name"],
            "request_token": self.cleaned_data["request_token"],
        }

    def plan(self, org: str) -> Plan:
        """What the run would do."""
        assert self.config is not None
        return plan(self.config, self.chosen_release, self.chosen_base, org, self.cleaned_data["model_name"])

    def _shape(self) -> dict[str, Any]:
        lr = self.cleaned_data["lr"]
        return {
            "preset": self.cleaned_data["preset"],
            "overrides": {} if lr is None else {"lr": lr},
            "steps": self.cleaned_data["steps"],
            "seconds": self.cleaned_data["seconds"],
            "base": self.chosen_base,
        }

    def _make_config(self) -> None:
        self.config = services.config_for(**self._shape())

    def _ask(self, field: str, question: Any) -> None:
        try:
            question()
        except InvalidInput as error:
            self.add_error(error.field if error.field in self.fields else field, str(error))
        except Conflict as error:
            self.add_error(field, str(error))


def revision_key(revision: Revision) -> str:
    """How the form names a revision: ``org/name@sha``."""
    return f"{revision.model.repo_id}@{revision.sha}"


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def _release_label(release: Release) -> str:
    return f"{release} ({number(release.files)} files)"


def _base_label(base: Revision) -> str:
    read = f" (trained on {base.release})" if base.release else ""
    return f"{base.model.repo_id}{read}"
