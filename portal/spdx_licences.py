"""The licences of code: which of them published releases hold, and how many files under each."""

from datasets_app.models import Release
from datasets_app.pipeline import licence_full_texts
from datasets_app.pipeline.licences import ids


def of_releases() -> dict[str, dict[Release, int]]:
    """By SPDX id, how many files each published release has under it, newest first; of the licences whose texts are at hand."""
    at_hand = set(licence_full_texts.known())
    found: dict[str, dict[Release, int]] = {}
    published = Release.objects.filter(state="published").order_by("-published_at", "-pk")
    for release in published.only("name", "version", "licences"):
        for row in release.licences:
            for spdx in ids(row.get("licence") or ""):
                if spdx in at_hand:
                    held = found.setdefault(spdx, {})
                    held[release] = held.get(release, 0) + row["files"]
    return found
