"""What the catalogue says of each thing in it: never a name of an owner, never text of the corpus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from core.formats import number, size
from datasets_app.models import Release
from modelzoo.models import LicenceTerms, Ref, Revision, ZooModel
from modelzoo.models.zoo import MAIN
from portal import documents

KINDS = {"release": "Release", "model": "Model", "licence": "Licence", "document": "Document"}


@dataclass(frozen=True)
class Entry:
    """One thing in the catalogue.

    Attributes:
        id: ``kind:key``.
        kind: A key of ``KINDS``.
        title: Its name.
        words: Further names and key words.
        text: What it says, as plain text.
        url: Its page.
    """

    id: str
    kind: str
    title: str
    words: str
    text: str
    url: str


def everything() -> Iterator[Entry]:
    """All that the catalogue holds now."""
    for release in Release.objects.filter(state="published").defer("funnel", "recipe"):
        yield of_release(release)
    for model in ZooModel.objects.all():
        if entry := of_model(model):
            yield entry
    newest: dict[str, LicenceTerms] = {}
    for terms in LicenceTerms.objects.order_by("key", "version"):
        newest[terms.key] = terms
    for terms in newest.values():
        yield of_terms(terms)
    for document in documents.everything():
        yield Entry(f"document:{document.slug}", "document", document.title, document.slug, document.text, document.url)


def release_id(release: Release) -> str:
    """The id of a release's entry."""
    return f"release:{release.name}/{release.version}"


def of_release(release: Release) -> Entry:
    """A release: its figures, languages and licences."""
    languages = [row["language"] for row in release.languages if row.get("language")]
    licences = [row["licence"] for row in release.licences if row.get("licence")]
    text = (
        f"A data set of permissively licensed source code: {number(release.files)} files, {size(release.bytes)}. "
        f"Languages: {', '.join(languages)}. Licences: {', '.join(licences)}."
    )
    words = " ".join(["data set dataset release", *languages, *licences])
    return Entry(
        release_id(release), "release", f"{release.name} {release.version}", words, text, release.get_absolute_url()
    )


def model_id(model: ZooModel) -> str:
    """The id of a model's entry."""
    return f"model:{model.pk}"


def of_model(model: ZooModel) -> Entry | None:
    """A model that has a revision that can be had, or None."""
    revision: Revision | None = model.at()
    if revision is None or revision.withdrawn_at is not None:
        return None
    trained = f" Trained on {revision.release}." if revision.release else ""
    tags = revision.card.get("tags") or [] if isinstance(revision.card, dict) else []
    text = f"A model of {number(revision.parameter_count)} parameters under {model.licence_key}.{trained} {revision.message}".strip()
    words = " ".join(["model", model.licence_key, *(str(tag) for tag in tags)])
    return Entry(model_id(model), "model", model.repo_id, words, text, model.get_absolute_url())


def of_terms(terms: LicenceTerms) -> Entry:
    """The newest text of a licence."""
    url = reverse("portal:licence", args=[terms.key])
    return Entry(f"licence:{terms.key}", "licence", terms.title, f"licence license {terms.key}", terms.text, url)


def still_there(ids: Iterable[str]) -> set[str]:
    """Those of these ids whose thing is still to be had: what was withdrawn a moment ago may stand in the index yet."""
    wanted = set(ids)
    releases = {entry_id for entry_id in wanted if entry_id.startswith("release:")}
    models = {entry_id for entry_id in wanted if entry_id.startswith("model:")}
    there = wanted - releases - models
    if releases:
        names = {entry_id.removeprefix("release:").partition("/")[0] for entry_id in releases}
        published = Release.objects.filter(state="published", name__in=names).only("name", "version")
        there |= releases & {release_id(release) for release in published}
    if models:
        keys = [int(entry_id.removeprefix("model:")) for entry_id in models]
        live = Ref.objects.filter(model__in=keys, name=MAIN, revision__withdrawn_at=None)
        there |= models & {f"model:{key}" for key in live.values_list("model", flat=True)}
    return there
