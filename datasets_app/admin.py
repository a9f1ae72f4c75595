"""The data floor in Django's admin: for looking. What changes anything goes through the services."""

from django.contrib import admin

from core.admin import ReadOnly
from datasets_app.models import (
    BlockEntry,
    FormerLogin,
    Holding,
    Mask,
    Owner,
    Release,
    ReleaseApproval,
    Repository,
    Source,
)


@admin.register(Source)
class SourceAdmin(ReadOnly):
    """Sources."""

    list_display = ["name", "kind", "last_ingested_at"]


@admin.register(Owner)
class OwnerAdmin(ReadOnly):
    """Owners, found by the beginning of their login."""

    list_display = ["login", "forge", "key"]
    search_fields = ["login_folded__startswith"]
    show_full_result_count = False


@admin.register(FormerLogin)
class FormerLoginAdmin(ReadOnly):
    """Logins that accounts bore before, found by their beginning."""

    list_display = ["login", "owner", "replaced_at"]
    list_select_related = ["owner"]
    search_fields = ["login_folded__startswith"]
    show_full_result_count = False


@admin.register(Repository)
class RepositoryAdmin(ReadOnly):
    """Repositories, found by the beginning of their name."""

    list_display = ["name", "owner", "licence", "permissive"]
    list_select_related = ["owner"]
    search_fields = ["name_folded__startswith"]
    show_full_result_count = False


@admin.register(Release)
class ReleaseAdmin(ReadOnly):
    """Releases."""

    list_display = ["name", "version", "state", "files", "bytes", "created_at", "published_at"]
    list_filter = ["state"]


@admin.register(ReleaseApproval)
class ReleaseApprovalAdmin(ReadOnly):
    """Who approved what."""

    list_display = ["release", "user", "at"]
    list_select_related = ["release", "user"]


@admin.register(Holding)
class HoldingAdmin(ReadOnly):
    """What releases hold."""

    list_display = ["release", "repository", "files", "copies", "bytes"]
    list_select_related = ["release", "repository__owner"]
    show_full_result_count = False


@admin.register(BlockEntry)
class BlockEntryAdmin(ReadOnly):
    """The block-list."""

    list_display = ["position", "kind", "reference", "created_at", "lifted_at"]


@admin.register(Mask)
class MaskAdmin(ReadOnly):
    """What is hidden."""

    list_display = ["reference", "since", "lifted_at"]
