"""The ground floor in Django's admin: for looking, not for changing."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from core.models import ApiToken, AuditEntry, Job, LedgerEntry, User


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Accounts. Roles and powers are given on the page of roles, where each act is audited."""

    readonly_fields = ["is_staff", "is_superuser", "groups", "user_permissions", "last_login", "date_joined"]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody: an account is closed instead, so that what it did keeps its name."""
        return False


class ReadOnly(admin.ModelAdmin):
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody."""
        return False


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Jobs."""

    list_display = ["title", "kind", "state", "attempt", "created_at", "finished_at"]
    list_filter = ["state", "kind"]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnly):
    """The ledger."""

    list_display = ["id", "at", "kind", "leaf_hash"]
    list_filter = ["kind"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """The audit trail."""

    list_display = ["at", "action", "object_type", "object_id", "actor"]
    list_filter = ["action"]


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens, without the tokens."""

    list_display = ["user", "name", "start", "created_at", "last_used_on", "revoked_at"]
