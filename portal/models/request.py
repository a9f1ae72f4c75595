"""A request to leave the data set, what it names, and what happened to it.

Who asked and for which account is shown to the requester and to holders of ``portal.review_request`` alone.
"""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from core.models import LedgerEntry, User
from core.permissions import may_any
from portal import states

NAME_LENGTH = 200


class OptOutRequest(models.Model):
    """One request.

    ``owner_key`` is the key of the account as it was known when the request was sent; the proof is bound to it. ``exposure``
    is what releases held when the request was accepted, ``removed`` what then went: kept so that the owner can see it after
    every other trace has gone.
    """

    ACCOUNT, REPOSITORIES, AUTHORED = "account", "repositories", "authored"
    PAGES, API = "pages", "api"
    SCOPES = [
        (ACCOUNT, "The whole account, now and in future"),
        (REPOSITORIES, "Only certain repositories"),
        (AUTHORED, "Files that I wrote alone, in other people's repositories"),
    ]

    reference = models.CharField(max_length=20, unique=True, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="opt_out_requests",
        help_text="Empty once the personal data of a closed request is gone.",
    )
    origin = models.CharField(max_length=5, choices=[(PAGES, "the pages"), (API, "the API")], default=PAGES)
    state = models.CharField(max_length=12, default="draft", choices=states.CHOICES)
    forge = models.CharField(max_length=NAME_LENGTH, blank=True, help_text="Host name, such as github.com.")
    account = models.CharField(max_length=NAME_LENGTH, blank=True)
    owner_key = models.CharField(max_length=400, blank=True)
    scope = models.CharField(max_length=12, choices=SCOPES, blank=True)
    organisation = models.BooleanField(default=False, help_text="The account is an organisation's.")
    covers_commits = models.BooleanField(
        default=False, help_text="Commit messages and authors, should any be taken in."
    )
    covers_issues = models.BooleanField(default=False, help_text="Issues and comments, should any be taken in.")
    copies = models.BooleanField(default=False, help_text="Copies under other owners, too (rings A and B).")
    contests = models.ForeignKey(
        "portal.Declaration",
        null=True,
        on_delete=models.SET_NULL,
        related_name="contested_by",
        help_text="Somebody else's declaration that the account stays in, which stood when the request was sent.",
    )
    message = models.TextField(blank=True, help_text="What the requester wants the reviewers to know.")
    fingerprint = models.CharField(max_length=64, blank=True, help_text="Keyed hash of account and scope.")

    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, help_text="The receipt: the legal clock runs from here.")
    due_at = models.DateTimeField(null=True, help_text="The last day of the legal clock.")
    extended_at = models.DateTimeField(null=True, help_text="When the legal clock was extended, once, with notice.")
    extension_note = models.TextField(blank=True, help_text="Why; shown to the requester.")
    verified_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True, help_text="When the reviewer's open question was asked.")
    objection_until = models.DateTimeField(null=True, help_text="Until when others can object before the decision.")
    weighed_from = models.DateTimeField(null=True, help_text="Since when it is with the reviewers again.")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decision_code = models.CharField(max_length=16, blank=True, help_text="A key of portal.reasons.REASONS.")
    decision_note = models.TextField(blank=True, help_text="The reason of a rejection; shown to the requester.")
    appealed_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True, help_text="When its personal data was erased.")

    block_position = models.PositiveBigIntegerField(null=True, help_text="The last of its entries on the block-list.")
    exposure = models.JSONField(default=list)
    removed = models.JSONField(default=dict)
    ledger_entry = models.ForeignKey(LedgerEntry, null=True, on_delete=models.PROTECT, related_name="+")
    ledger_key = models.BinaryField(null=True, help_text="Opens the ledger's commitment to ledger_record.")
    ledger_record = models.JSONField(default=dict)

    class Meta:
        ordering = ["-created_at", "-id"]
        permissions = [
            ("review_request", "Can see, verify and decide opt-out requests"),
            ("view_desk", "Can read the desk without deciding"),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="request_queue"),
            models.Index(fields=["owner_key"], name="request_same_account"),
            models.Index(fields=["ended_at"], name="request_ended", condition=models.Q(erased_at=None)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requester", "origin"], condition=models.Q(state="draft"), name="one_draft_a_person"
            ),
            models.UniqueConstraint(
                fields=["requester", "fingerprint"],
                condition=models.Q(state__in=states.UNDER_WAY),
                name="one_request_under_way_a_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.state})"

    def get_absolute_url(self) -> str:
        """The requester's page of it."""
        return reverse("portal:request", args=[self.reference])

    @property
    def text(self) -> states.StateText:
        """What its state means, what happens next and by when."""
        return states.TEXTS[self.state]

    @property
    def next_deadline(self) -> datetime | None:
        """By when what its state waits for should have happened."""
        return states.deadline(self.state, self)

    @property
    def overdue(self) -> bool:
        """Whether that time is past."""
        deadline = self.next_deadline
        return deadline is not None and deadline < timezone.now()

    @property
    def under_way(self) -> bool:
        """Whether something still happens with it."""
        return self.state in states.UNDER_WAY

    @property
    def shows_what_is_held(self) -> bool:
        """Whether the requester may see everything that it covers: it is proven, and was not turned down."""
        return self.verified_at is not None and self.state in states.SHOWN

    @property
    def withdrawable(self) -> bool:
        """Whether the requester may still take it back."""
        return "withdrawn" in states.OPT_OUT.transitions[self.state]

    def may_be_seen_by(self, user: User) -> bool:
        """The requester and reviewers."""
        return user.pk == self.requester_id or may_any(user, "portal.review_request", "portal.view_desk")


class RequestedRepository(models.Model):
    """A repository that a request names. It need not be one that we hold."""

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=NAME_LENGTH)
    name_folded = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        ordering = ["name_folded"]
        constraints = [models.UniqueConstraint(fields=["request", "name_folded"], name="one_row_a_named_repository")]

    def __str__(self) -> str:
        return self.name


class RequestEvent(models.Model):
    """Something that happened to a request, for its timeline. Its texts stand in ``portal.states``, by ``kind``."""

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=24, help_text="A state that was reached, or a key of states.EVENTS.")
    note = models.TextField(blank=True, help_text="A reviewer's note: for the desk alone.")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"

    @property
    def words(self) -> str:
        """What happened, for people."""
        return states.EVENTS.get(self.kind) or states.TEXTS[self.kind].happened
