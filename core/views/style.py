"""The style page: every component of the design in all its states."""

import math
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from core import badges, icons

SAMPLE = '''"""Near-duplicates by MinHash, band by band."""

from collections.abc import Iterator

BANDS = 25  # of 10 rows each: 250 permutations


class Sketch:
    """The smallest hash of each permutation."""

    def __init__(self, words: list[str]) -> None:
        self.least = [min(hash((seed, word)) for word in words) for seed in range(250)]

    def bands(self) -> Iterator[bytes]:
        for band in range(BANDS):
            yield repr(self.least[band * 10 : band * 10 + 10]).encode()
'''


@dataclass(frozen=True)
class Colour:
    """A colour of the design: its custom property and what it is for."""

    name: str
    purpose: str


COLOURS = [
    Colour("bg", "the page"),
    Colour("surface", "cards, tables, fields"),
    Colour("sunken", "heads of tables, tracks"),
    Colour("ink", "text"),
    Colour("ink-soft", "second text"),
    Colour("line-strong", "edges of controls"),
    Colour("accent", "links, buttons"),
    Colour("accent-soft", "under the pointer"),
    Colour("band", "header and hero"),
    Colour("marigold", "the piece that may leave"),
    Colour("success", "done"),
    Colour("warning", "take care"),
    Colour("danger", "failed, final"),
    Colour("info", "under way"),
]


class SampleForm(forms.Form):
    """One of each kind of field."""

    repository = forms.CharField(help_text="For example Django/django, or its address.")
    address = forms.EmailField(required=False, label="E-mail address")
    steps = forms.IntegerField(min_value=1, max_value=5000, initial=300, help_text="About 2 steps a second.")
    reason = forms.CharField(widget=forms.Textarea, required=False, help_text="Only the staff read this.")
    release = forms.ChoiceField(choices=[("1.1", "the-stack-demo v1.1"), ("1.0", "the-stack-demo v1.0")])
    scope = forms.ChoiceField(
        label="What should leave",
        choices=[("repository", "This repository"), ("account", "Everything under the account")],
        widget=forms.RadioSelect,
    )
    languages = forms.MultipleChoiceField(
        choices=[("python", "Python"), ("c", "C"), ("rust", "Rust")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    agree = forms.BooleanField(label="I have read what will be removed", help_text="You can undo this for 30 days.")


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """All components, filled with made-up figures."""
    now = timezone.now()
    loss = [[step, 4.1 * math.exp(-step / 90) + 2.2 + 0.12 * math.sin(step * 1.7)] for step in range(0, 300, 3)]
    validation = [[step, 4.0 * math.exp(-step / 95) + 2.35] for step in range(0, 300, 30)]
    context = {
        "parts": ["Colour", "Type", "Buttons", "Forms", "Status", "Data", "Code", "Navigation", "States"],
        "colours": COLOURS,
        "tones": list(badges.ICONS),
        "icons": sorted(icons.NAMES),
        "states": [
            "queued",
            "running",
            "cancelling",
            "succeeded",
            "failed",
            "cancelled",
            "published",
            "withdrawn",
            "needs_info",
        ],
        "form": SampleForm(),
        "wrong_form": SampleForm({"address": "ada at example", "steps": "9000", "reason": "", "release": "1.1"}),
        "stages": [
            ("not eligible", 61_020),
            ("without a licence that could be recognised", 40_310),
            ("nearly the same as a file that stands in the release", 31_004),
            ("text of a benchmark", 12),
        ],
        "measures": [
            {"label": "by files", "url": "#data", "current": True},
            {"label": "by size", "url": "#data", "current": False},
        ],
        "languages": [("Python", 18_204), ("C++", 4_310), ("C/C++ Header", 3_911), ("Cuda", 402), ("Cython", 77)],
        "funnel": [
            {"label": "Kept", "value": 182_400_000, "tone": "success"},
            {"label": "Exact duplicate", "value": 31_000_000, "tone": "neutral"},
            {"label": "Near-duplicate", "value": 12_200_000, "tone": "neutral"},
            {"label": "No permissive licence", "value": 8_900_000, "tone": "warning"},
            {"label": "On the block-list", "value": 2_100_000, "tone": "danger"},
        ],
        "page": Paginator(range(2_431), 25).get_page(request.GET.get("page", "7")),
        "series": {"loss": loss, "validation_loss": validation},
        "labels": {"loss": "Training loss", "validation_loss": "Validation loss"},
        "sample": SAMPLE,
        "soon": now + timedelta(days=6),
        "earlier": now - timedelta(minutes=3, seconds=12),
        "before": now - timedelta(days=41),
    }
    return render(request, "core/style.html", context)
