"""From a manifest on the disk to the rows of a release: its figures and its holdings."""

from typing import Any

from django.utils import timezone

from core import audit
from core.permissions import SYSTEM
from datasets_app import catalogue, purging
from datasets_app.models import Release
from datasets_app.pipeline import state
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.reasons import FunnelRow
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.states import RELEASE


def holdings(made: Manifest) -> list[dict[str, Any]]:
    """What a release holds of each repository, as ``format.HOLDINGS``."""
    return OpenRelease(purging.releases_folder(), made).holdings().to_pylist()


def funnel(made: Manifest) -> list[FunnelRow]:
    """Files and bytes by reason, every reason, as they were counted when it was decided."""
    opened = OpenRelease(purging.releases_folder(), made)
    facts = state.read_facts(opened.folder)
    return facts.counts if facts else []


def take_over(release: Release, made: Manifest, rows: list[dict[str, Any]], counts: list[FunnelRow]) -> None:
    """The release is built: write its figures and holdings, in the caller's transaction.

    Raises:
        InvalidTransition: It is not being built.
    """
    catalogue.load_holdings(release, rows)
    RELEASE.move_or_raise(
        release,
        "built",
        built_at=timezone.now(),
        blocklist_position=made.blocklist_position,
        files=made.rows,
        bytes=made.bytes,
        shards=len(made.shards),
        digest_bytes=made.digest_bytes,
        digest_logical=made.digest_logical,
        tree_root=made.tree_root,
        funnel=counts,
        languages=made.languages,
        licences=made.licences,
    )
    audit.record(SYSTEM, "finish build", release, digest=made.digest_bytes, files=made.rows)
