"""The data card of a release: JSON-LD in MLCommons Croissant 1.0 with the fields of Croissant-RAI 1.0.

Written by hand, since reading it needs a library and writing it does not; ``tests/datasets_app/test_cards.py`` reads the records of
a published release through ``mlcroissant`` by it.
"""

from typing import Any

from django.conf import settings

from datasets_app.cards.facts import Facts
from datasets_app.cards.summary import recipe_name, replaced
from datasets_app.pipeline.shards import ShardEntry

CONFORMS = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
PARQUET = "application/x-parquet"  # the name by which Croissant knows Parquet
# Columns of the shards that are told as fields: name, type, what it is.
FIELDS = (
    ("content", "sc:Text", "The published text of the file; personal data is replaced."),
    ("path", "sc:Text", "Where the file lies in its repository."),
    ("forge", "sc:Text", "The host of the repository."),
    ("owner", "sc:Text", "The account, as the forge writes it."),
    ("repository", "sc:Text", "The repository's name."),
    ("language", "sc:Text", "The programming language, by linguist's name."),
    ("licence", "sc:Text", "The licence as an SPDX expression."),
    ("size", "sc:Integer", "Bytes of the source."),
    ("copies", "sc:Integer", "How many other files hold the same content."),
    ("blob_id", "sc:Text", "The git blob SHA-1 of the source, in hex."),
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def card(facts: Facts) -> dict[str, Any]:
    """The card. While the release is being issued again, its shards are not served, and the card says so."""
    release, manifest = facts.release, facts.manifest
    page = settings.FAIRSTACK_SITE_URL + release.get_absolute_url()
    served = {} if facts.pending else facts.served
    written: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": release.name,
        "description": _description(facts),
        "url": page,
        "version": _version(release.version),
        "license": f"{page}#licences",
        "citeAs": f"{release.name} {release.version}, {settings.FAIRSTACK_SITE_NAME}, {page}",
        "creator": {
            "@type": "sc:Organization",
            "name": settings.FAIRSTACK_SITE_NAME,
            "url": settings.FAIRSTACK_SITE_URL,
        },
        "dateCreated": manifest.created_at[:10],
        "keywords": ["source code", "permissive licences", *(row["language"] for row in manifest.languages[:10])],
        **_responsible(facts),
        "distribution": [_file(page, number, name, shard) for number, (name, shard) in enumerate(served.items())],
        "recordSet": [_records(number, name) for number, name in enumerate(served)],
    }
    if release.published_at:
        written["datePublished"] = f"{release.published_at:%Y-%m-%d}"
    return written


def _version(version: str) -> str:
    """Croissant wants ``major.minor.patch``; ``v1.0+r1`` becomes ``1.0.0+r1``."""
    number, plus, rest = version.removeprefix("v").partition("+")
    parts = number.split(".")
    if not all(part.isdecimal() for part in parts) or len(parts) > 3:
        return version
    return ".".join([*parts, "0", "0"][:3]) + plus + rest


def _description(facts: Facts) -> str:
    release, manifest = facts.release, facts.manifest
    text = (
        f"{manifest.rows:,} source files in {len(manifest.languages):,} languages, all under permissive licences, each content once "
        f"with the repository that it comes from. Release {release.version}, made by the recipe {recipe_name(facts)}."
    )
    if release.reissue_of:
        text += f" It stands in the place of {release.reissue_of.version}: the same without what owners took out since."
    if facts.pending:
        text += " It is being issued again without files that owners took out; until then its files are not served."
    return text


def _file(page: str, number: int, name: str, shard: ShardEntry) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"shard-{number}",
        "name": name,
        "contentUrl": page + name.replace("%", "%25").replace(" ", "%20").replace("#", "%23"),
        "contentSize": f"{shard['file_bytes']} B",
        "encodingFormat": PARQUET,
        "sha256": shard["digest"],
    }


def _records(number: int, name: str) -> dict[str, Any]:
    """The records of one shard. Readers of Croissant take a set of Parquet files from archives and git alone, so each has its own."""
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"files-{number}/{column}",
            "name": column,
            "description": text,
            "dataType": kind,
            "source": {"fileObject": {"@id": f"shard-{number}"}, "extract": {"column": column}},
        }
        for column, kind, text in FIELDS
    ]
    described = f"One record a file, of {name}."
    return {
        "@type": "cr:RecordSet",
        "@id": f"files-{number}",
        "name": f"files-{number}",
        "description": described,
        "field": fields,
    }


def _responsible(facts: Facts) -> dict[str, Any]:
    """The fields of Croissant-RAI."""
    recipe = facts.recipe
    redacted = replaced(facts)
    steps = [
        "The block-list of accepted requests is applied before duplicates are told.",
        "Only files whose every licence is permissive are taken.",
        "Thresholds on the text (lengths of lines, shares of letters) by the recipe.",
        f"Near-duplicates: {recipe.near_duplicates}, from a similarity of {recipe.near_threshold}; exact copies once.",
    ]
    if recipe.benchmarks:
        steps.append(f"Files with text of {', '.join(sorted(recipe.benchmarks))} are left out.")
    return {
        "rai:dataCollection": "Read from " + ("; ".join(facts.kinds) or "sources of this site") + ".",
        "rai:dataCollectionType": ["Others"],
        "rai:dataCollectionRawData": ", ".join(place.name for place in facts.places) or "not recorded",
        "rai:dataPreprocessingProtocol": steps,
        "rai:dataManipulationProtocol": f"Replaced in the text: {', '.join(redacted)}." if redacted else "None.",
        "rai:personalSensitiveInformation": [
            "Names of accounts stand beside their public code. Other personal data is replaced where it is found; not all can be."
        ],
        "rai:dataUseCases": "Training and studying models of code.",
        "rai:dataLimitations": "Code may be wrong, unsafe or out of date. Languages and places are present as they happen to publish.",
        "rai:dataBiases": "Popular languages, English comments and large projects are over-represented.",
        "rai:dataSocialImpact": "Owners can ask to leave; releases are then issued again without their files.",
        "rai:dataReleaseMaintenancePlan": "A withdrawn release answers with HTTP 410 and names the one that takes its place.",
    }
