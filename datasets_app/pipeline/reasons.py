"""Why a file is, or is not, in a release.

Every file of the corpus gets exactly one reason, the first that applies in the order of ``REASONS``. Staff see the
reasons themselves. The public sees buckets: files that are blocked share one with files that are left out for
technical causes, because a public count of opt-outs beside two releases would tell who opted out
(reference: the privacy of the request).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

KEPT = "kept"
NOT_ELIGIBLE = "not_eligible"


@dataclass(frozen=True)
class Reason:
    """One cause for a decision.

    Attributes:
        key: As it stands in the ``reason`` column of the decisions.
        text: One line for people, to follow "This file is ...".
        public: The key of the bucket under which the public sees it.
    """

    key: str
    text: str
    public: str


class FunnelRow(TypedDict):
    """How many files, and how many bytes of source, share a reason."""

    reason: str
    files: int
    bytes: int


_ORDERED = (
    Reason("blocked_owner", "left out: the account is on the block-list", NOT_ELIGIBLE),
    Reason("blocked_repository", "left out: the repository is on the block-list", NOT_ELIGIBLE),
    Reason("blocked_blob", "left out: this content is on the block-list", NOT_ELIGIBLE),
    Reason("blocked_author", "left out: the person who wrote it alone is on the block-list", NOT_ELIGIBLE),
    Reason("not_text", "not text: it holds NUL bytes or is not valid UTF-8", NOT_ELIGIBLE),
    Reason("vendored", "a copy of other people's work that the repository carries along", NOT_ELIGIBLE),
    Reason("no_licence", "without a licence that could be recognised", "no_licence"),
    Reason("not_permissive", "under a licence that is not permissive", "not_permissive"),
    Reason("unknown_language", "in a language that was not recognised", "unknown_language"),
    Reason("language_not_wanted", "in a language that the recipe does not take", "language_not_wanted"),
    Reason("notebook", "a notebook that the recipe does not take, or that could not be turned into text", "notebook"),
    Reason("generated", "written by a program", "generated"),
    Reason("too_small", "too small", "too_small"),
    Reason("too_large", "too large", "too_large"),
    Reason("long_line", "left out: its longest line is too long", "long_line"),
    Reason("long_mean_line", "left out: its lines are too long on average", "long_mean_line"),
    Reason("few_alphanumeric", "left out: too few of its characters are letters or digits", "few_alphanumeric"),
    Reason("few_alphabetic", "left out: too few of its characters are letters, so it is rather data", "few_alphabetic"),
    Reason("little_text", "a page that shows little text", "little_text"),
    Reason("few_comments", "left out: too little of it is comments", "comments"),
    Reason("mostly_comments", "left out: nearly all of it is comments", "comments"),
    Reason("encoded", "left out: too much of it is encoded data", "encoded"),
    Reason("minified", "squeezed by a program", "minified"),
    Reason("xml", "XML under another extension", "xml"),
    Reason("data_too_small", "a JSON or YAML file that is too small to teach anything", "data_size"),
    Reason("data_too_large", "a JSON or YAML file so large that it is rather data", "data_size"),
    Reason(
        "origin_left",
        "left out: its content stood under a blocked file when the release was issued again, and it could not take its place",
        NOT_ELIGIBLE,
    ),
    Reason("other_version", "another version of a file that a second source holds at the same path", "other_version"),
    Reason("contaminated", "left out: it holds text of a benchmark by which models are measured", "contaminated"),
    Reason(
        "near_duplicate",
        "nearly the same as a file that stands in the release, or the same as such a one",
        "near_duplicate",
    ),
    Reason("exact_copy", "the same content as a file that stands in the release under a better origin", "exact_copy"),
    Reason(KEPT, "in the release", KEPT),
)

REASONS: dict[str, Reason] = {reason.key: reason for reason in _ORDERED}
"""Every reason by its key, in the order in which they are tried; ``kept`` is the last."""

PUBLIC_TEXTS: dict[str, str] = {
    NOT_ELIGIBLE: "not eligible: not source text, not the repository's own work, or not open to this use",
    "comments": "left out: too little or nearly all of it is comments",
    "data_size": "a JSON or YAML file that is too small or too large",
    **{reason.key: reason.text for reason in _ORDERED if reason.public == reason.key},
}
"""What the public reads for each bucket."""


def public_funnel(rows: Iterable[FunnelRow]) -> list[FunnelRow]:
    """Fold counts by reason into the public buckets, in the order of ``REASONS``; empty buckets are left out.

    Raises:
        KeyError: A row names a reason that does not exist.
    """
    folded: dict[str, FunnelRow] = {}
    counts = {row["reason"]: row for row in rows}
    unknown = counts.keys() - REASONS.keys()
    if unknown:
        raise KeyError(f"no such reasons: {', '.join(sorted(unknown))}")
    for reason in REASONS.values():
        row = counts.get(reason.key)
        if row is None:
            continue
        bucket = folded.setdefault(reason.public, FunnelRow(reason=reason.public, files=0, bytes=0))
        bucket["files"] += row["files"]
        bucket["bytes"] += row["bytes"]
    return list(folded.values())
