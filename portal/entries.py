"""What the catalogue says of each thing in it: what anybody may read, never a name of an account, never text of the corpus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import Http404
from django.urls import reverse

from core.formats import number, size
from datasets_app.cards import facts, summary
from datasets_app.models import Release
from datasets_app.pipeline import licence_full_texts
from modelzoo.models import LicenceTerms, Ref, Revision, ZooModel
from modelzoo.models.zoo import MAIN
from modelzoo.storage import object_path
from portal import documents, recipes, spdx_licences
from portal.recipes import PublicRecipe
from training_jobs.models import Run

KINDS = {
    "release": "Releases",
    "model": "Models",
    "recipe": "Recipes",
    "data-card": "Data cards",
    "training-content": "Training content",
    "licence": "Licences",
    "document": "Documents",
    "run": "Runs",
}
LONGEST = 40_000  # characters of a text that are looked through
MOST_NAMED = 12  # names in one choice of a recipe; a list of hundreds tells nothing of it
_FRONT = "---\n"
_OF_RELEASE = ("release", "data-card", "training-content")


@dataclass(frozen=True)
class Entry:
    """One thing in the catalogue.

    Attributes:
        id: ``kind:key``.
        kind: A key of ``KINDS``.
        title: Its name.
        words: Further names and key words; they are not shown.
        text: What it says, as plain text.
        url: Its page.
        licences: SPDX expressions, or keys of licences of models.
        languages: Linguist's names.
        releases: ``name version`` of each release that it is about.
        owner: The organisation of a model.
    """

    id: str
    kind: str
    title: str
    words: str
    text: str
    url: str
    licences: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    owner: str = ""


def everything() -> Iterator[Entry]:
    """All that the catalogue holds now."""
    for release in Release.objects.filter(state="published").defer("funnel").order_by("-published_at"):
        yield from of_release(release)
    heads = Ref.objects.filter(name=MAIN, revision__withdrawn_at=None).order_by("-revision__created_at")
    for ref in heads.select_related("model", "revision__release").prefetch_related("revision__files").iterator(500):
        yield of_revision(ref.model, ref.revision)
    yield from of_recipes()
    newest = {terms.key: terms for terms in LicenceTerms.objects.order_by("key", "version")}
    yield from (of_terms(terms) for terms in newest.values())
    yield from of_code_licences()
    for document in documents.for_readers():
        text = document.text.removeprefix(document.title).strip()
        yield Entry(f"document:{document.slug}", "document", document.title, document.slug, text, document.url)
    for run in Run.objects.select_related("release", "base__model").iterator(500):
        yield of_run(run)


def of_release(release: Release) -> Iterator[Entry]:
    """A release with its figures, languages and licences, and its cards where its manifest is at hand."""
    languages = tuple(row["language"] for row in release.languages if row.get("language"))
    licences = tuple(row["licence"] for row in release.licences if row.get("licence"))
    name, page = str(release), release.get_absolute_url()
    text = (
        f"A data set of permissively licensed source code: {number(release.files)} files, {size(release.bytes)}. "
        f"Languages: {', '.join(languages)}. Licences: {', '.join(licences)}."
    )
    yield Entry(
        f"release:{_key(release)}",
        "release",
        name,
        "data set dataset release",
        text,
        page,
        licences,
        languages,
        (name,),
    )
    try:
        found = facts.of(release)
    except Http404:  # the bytes are gone, and with them what the cards tell
        return
    items = [item for section in summary.sections(found) for item in section.items]
    told = "\n".join(f"{item.heading}: {item.text}" for item in items)
    at = [release.name, release.version]
    yield Entry(
        f"data-card:{_key(release)}", "data-card", f"Data card of {name}", "croissant dataset card metadata mlcommons json-ld",
        f"The data card of {name} in Croissant: its files with their digests, their columns, and where the data comes from. {text}",
        reverse("datasets:croissant", args=at), licences, languages, (name,),
    )  # fmt: skip
    yield Entry(
        f"training-content:{_key(release)}", "training-content", f"Training content of {name}",
        "summary of training content EU AI Act Art. 53(1)(d)", told[:LONGEST],
        reverse("datasets:training-content", args=at), licences, languages, (name,),
    )  # fmt: skip


def ids_of_release(release: Release) -> list[str]:
    """The ids of the entries that a release has."""
    return [f"{kind}:{_key(release)}" for kind in _OF_RELEASE]


def of_model(model: ZooModel) -> Entry | None:
    """A model that has a revision that can be had, or None."""
    revision = model.at()
    return None if revision is None or revision.withdrawn_at is not None else of_revision(model, revision)


def of_revision(model: ZooModel, revision: Revision) -> Entry:
    """A model as its newest revision has it, with the words of its card."""
    release = revision.release
    trained = f" Trained on {release}." if release else ""
    text = f"A model of {number(revision.parameter_count)} parameters under {model.licence_key}.{trained} {revision.message}".strip()
    tags = revision.card.get("tags") or [] if isinstance(revision.card, dict) else []
    languages = [row["language"] for row in release.languages if row.get("language")] if release else []
    return Entry(
        id=model_id(model),
        kind="model",
        title=model.repo_id,
        words=" ".join(["model", "card", *(str(tag) for tag in tags)]),
        text=f"{text}\n{_card(revision)}"[:LONGEST],
        url=model.get_absolute_url(),
        licences=(model.licence_key,),
        languages=tuple(languages),
        releases=(str(release),) if release else (),
        owner=model.org,
    )


def model_id(model: ZooModel) -> str:
    """The id of a model's entry."""
    return f"model:{model.pk}"


def of_recipes() -> Iterator[Entry]:
    """The recipes at hand, and those that published releases were made by."""
    for recipe in recipes.everything():
        yield of_recipe(recipe)


def of_recipe(recipe: PublicRecipe) -> Entry:
    """A recipe with its choices."""
    short = [row for row in recipe.rows if row.value.count(",") < MOST_NAMED]
    told = ". ".join(f"{row.field.replace('_', ' ')}: {row.value}" for row in short)
    made = (
        f"Releases made by it: {', '.join(recipe.releases)}."
        if recipe.releases
        else "No published release was made by it."
    )
    return Entry(
        id=f"recipe:{recipe.key}",
        kind="recipe",
        title=f"Recipe {recipe.name}",
        words="recipe filter thresholds deduplication",
        text=f"{recipe.about} {made} {told}.".strip(),
        url=reverse("portal:recipe", args=[recipe.key]),
        releases=recipe.releases,
    )


def of_terms(terms: LicenceTerms) -> Entry:
    """The newest text of a licence of models."""
    short = "\n".join([*terms.restrictions, *terms.duties])
    url = reverse("portal:licence", args=[terms.key])
    text = f"{terms.text}\n{short}"[:LONGEST]
    return Entry(
        f"licence:{terms.key}", "licence", terms.title, f"licence license {terms.key}", text, url, (terms.key,)
    )


def of_code_licences() -> Iterator[Entry]:
    """The licences of the files of published releases, with their texts."""
    for spdx, releases in spdx_licences.of_releases().items():
        yield Entry(
            id=f"licence:{spdx}",
            kind="licence",
            title=spdx,
            words="licence license spdx",
            text=(licence_full_texts.text_of(spdx) or "")[:LONGEST],
            url=reverse("portal:licence", args=[spdx]),
            licences=(spdx,),
            releases=tuple(str(release) for release in releases),
        )


def of_run(run: Run) -> Entry:
    """A run: what it trained, on what, from what."""
    base = f" starting from {run.base.model.repo_id}" if run.base else ""
    return Entry(
        id=f"run:{run.pk}",
        kind="run",
        title=f"Run {run.pk}: {run.name}",
        words=f"run training {run.preset}",
        text=f"Training of {run.name}, {run.kind}{base}, on {run.release}, preset {run.preset}.",
        url=run.get_absolute_url(),
        releases=(str(run.release),),
        owner=run.org,
    )


def still_there(ids: Iterable[str]) -> set[str]:
    """Those of these ids whose thing is still to be had: what was withdrawn a moment ago may stand in the index yet."""
    wanted = set(ids)
    of_releases = {one for one in wanted if one.partition(":")[0] in _OF_RELEASE}
    models = {one for one in wanted if one.startswith("model:")}
    made = {one for one in wanted if one.startswith("recipe:")}
    there = wanted - of_releases - models - made
    if of_releases:
        keys = {one.partition(":")[2]: one.partition(":")[2].partition("/") for one in of_releases}
        published = Release.objects.filter(state="published", name__in={name for name, _, _ in keys.values()})
        live = {f"{name}/{version}" for name, version in published.values_list("name", "version")}
        there |= {one for one in of_releases if one.partition(":")[2] in live}
    if models:
        keys_of_models = [int(one.removeprefix("model:")) for one in models]
        live_models = Ref.objects.filter(model__in=keys_of_models, name=MAIN, revision__withdrawn_at=None)
        there |= models & {f"model:{key}" for key in live_models.values_list("model", flat=True)}
    if made:
        there |= made & {f"recipe:{recipe.key}" for recipe in recipes.everything()}
    return there


def _key(release: Release) -> str:
    return f"{release.name}/{release.version}"


def _card(revision: Revision) -> str:
    """The words of the model card, without its front matter and title."""
    file = next((file for file in revision.files.all() if file.path == "README.md"), None)
    if file is None or not object_path(file.sha256).is_file():
        return ""
    source = object_path(file.sha256).read_text(encoding="utf-8", errors="replace")
    parts = source.split(_FRONT, 2) if source.startswith(_FRONT) else []
    return documents.words_of(parts[2] if len(parts) == 3 else source)
