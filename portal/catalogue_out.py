"""The search of the whole site as the API gives it."""

from ninja import Field, Schema

from datasets_app.prefixes import Place, Places
from portal.catalogue import Answer


class HitOut(Schema):
    """One thing found."""

    kind: str = Field(description="release, model, recipe, data-card, training-content, licence, document or run.")
    title: str
    url: str = Field(description="A path of this site.")
    excerpt: str = Field(description="A stretch of its text, as plain text.")
    licences: list[str]
    languages: list[str]
    releases: list[str]


class ValueOut(Schema):
    """A value of a facet, and how many things would be found with it."""

    value: str
    count: int


class NameOut(Schema):
    """An account or a repository whose code published releases show; ``q`` can be looked up by ``POST /api/search``."""

    forge: str
    account: str
    repository: str
    q: str


class CatalogueFound(Schema):
    """The answer. Removed, hidden and never held accounts look the same."""

    ready: bool = Field(description="False while the index is being made: ask again in a minute.")
    count: int
    page: int
    pages: int
    did_you_mean: str = Field(description="The question with nearer spellings, or empty.")
    unknown_fields: list[str] = Field(description="Names before a colon that are no field, and were taken as words.")
    results: list[HitOut]
    facets: dict[str, list[ValueOut]] = Field(description="kind, licence, language and release: the commonest values.")
    accounts: list[NameOut]
    repositories: list[NameOut]


def out(answer: Answer, places: Places, unknown: tuple[str, ...]) -> CatalogueFound:
    """An answer as the API gives it."""
    return CatalogueFound(
        ready=answer.ready,
        count=answer.count,
        page=answer.page,
        pages=answer.pages,
        did_you_mean=answer.meant,
        unknown_fields=list(unknown),
        results=[
            HitOut(
                kind=hit.entry.kind, title=hit.entry.title, url=hit.entry.url,
                excerpt="".join(piece.text for piece in hit.excerpt), licences=list(hit.entry.licences),
                languages=list(hit.entry.languages), releases=list(hit.entry.releases),
            )
            for hit in answer.hits
        ],
        facets={
            facet: [ValueOut(value=one.name, count=one.count) for one in values] for facet, values in answer.facets.items()
        },
        accounts=[_place(place) for place in places.accounts],
        repositories=[_place(place) for place in places.repositories],
    )  # fmt: skip


def _place(place: Place) -> NameOut:
    return NameOut(forge=place.forge, account=place.account, repository=place.repository, q=place.text)
