"""What happened to a model's data since it was trained."""

from dataclasses import dataclass

from datasets_app.models import BlockEntry, Release
from modelzoo.models import Revision


@dataclass(frozen=True)
class Since:
    """Opt-outs that came after the release that a revision was trained on.

    Attributes:
        accounts: Whole accounts put on the block-list since.
        repositories: Single repositories put on it since.
        newer: The newest published release of the same name that honours more of the block-list, or None.
    """

    accounts: int
    repositories: int
    newer: Release | None

    @property
    def any(self) -> bool:
        """Whether there were any."""
        return bool(self.accounts or self.repositories)


def changed_since(revision: Revision) -> Since | None:
    """What the block-list gained since the release of ``revision``; None where it has no release."""
    release = revision.release
    if release is None:
        return None
    later = BlockEntry.objects.filter(position__gt=release.blocklist_position, lifted_at__isnull=True)
    kinds = list(later.values_list("kind", flat=True))
    newer = (
        Release.objects.filter(name=release.name, state="published", blocklist_position__gt=release.blocklist_position)
        .order_by("-published_at")
        .first()
    )
    return Since(kinds.count(BlockEntry.OWNER), kinds.count(BlockEntry.REPOSITORY), newer)
