"""The zoo in Django's admin: for looking, not for changing."""

from django.contrib import admin

from core.admin import ReadOnly
from modelzoo.models import LicenceAcceptance, LicenceTerms, Ref, Revision, ZooModel


@admin.register(ZooModel)
class ZooModelAdmin(ReadOnly):
    """Models."""

    list_display = ["repo_id", "licence_key", "gated", "created_at"]
    search_fields = ["org", "name"]


@admin.register(Revision)
class RevisionAdmin(ReadOnly):
    """Revisions."""

    list_display = ["model", "sha", "message", "release", "created_at", "withdrawn_at"]
    list_select_related = ["model", "release"]


@admin.register(Ref)
class RefAdmin(ReadOnly):
    """Branches and tags."""

    list_display = ["model", "name", "kind", "revision"]
    list_select_related = ["model", "revision__model"]


@admin.register(LicenceTerms)
class LicenceTermsAdmin(ReadOnly):
    """Licence terms."""

    list_display = ["key", "version", "title", "sha256", "loaded_at"]


@admin.register(LicenceAcceptance)
class LicenceAcceptanceAdmin(ReadOnly):
    """Who accepted what."""

    list_display = ["model", "user", "terms", "at", "withdrawn_at"]
    list_select_related = ["model", "user", "terms"]
