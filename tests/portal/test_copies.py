"""Copies under other owners, from the request to the block-list: found, hidden, compared, blocked or left, and never back."""

import shutil

from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from core.errors import Conflict, InvalidInput, PermissionDenied
from core.jobs import execute_here
from core.keyed import keyed_hash
from datasets_app import browsing, purging
from datasets_app.browsing import FileFilter
from datasets_app.models import BlockEntry, ContentMask, Release
from datasets_app.pipeline import copies as engine
from datasets_app.pipeline.corpus import files_table
from datasets_app.services import blocklist, masks, sources
from portal import effects
from portal.models import Copy, Declaration, OptOutRequest, RemovalEvidence
from portal.receipts import coverage
from portal.services import copies, decisions, drafts, removal, requests
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.fakes import FakePackage, default_packages
from tests.pipeline.git_repos import MIT, Repository
from tests.portal import people
from tests.portal.scoping import ask, prove, run_jobs

CODE = "".join(f"def step_{n}(value):\n    return value * {n} + {n * 7}  # the step number {n}\n\n" for n in range(30))
NEARLY = CODE.replace("step number 3", "stage number 3").replace("value * 5 ", "value * 55 ")


def packages() -> list[FakePackage]:
    return [
        *default_packages(),
        FakePackage("alpha-steps", "Alpha/steps", "MIT", {"alpha_steps/steps.py": CODE}),
        FakePackage("delta", "Delta/lib", "MIT", {"delta/steps.py": NEARLY, "delta/own.py": "OWN = 'delta'\n" * 30}),
    ]


class Floor(FloorMixin):
    def setUp(self) -> None:
        super().setUp()
        assert self.ingest(packages()).state == "succeeded"
        self.release = self.publish()
        self.ada, self.reviewer = make_user("ada"), people.reviewer()
        corpus = files_table(purging.corpus_folder())
        self.blobs = dict(corpus.select("path", "blob_id").iter_rows())

    def asked(self, **extent: bool) -> OptOutRequest:
        return prove(ask(self.ada, "Alpha", **extent))

    def listed(self) -> set[str]:
        self.release.refresh_from_db()
        return {row["path"] for row in browsing.list_files(self.release, FileFilter(), 0).rows}


class CopiesOfARequest(Floor, TestCase):
    def test_they_are_found_by_ring_and_hidden_until_they_are_compared(self) -> None:
        request = self.asked(copies=True)
        found = {(one.ring, one.path, one.why, one.verdict) for one in Copy.objects.all()}
        self.assertEqual(
            found,
            {("A", "beta/clamp.py", "unknown_origin", "open"), ("B", "delta/steps.py", "near", "open")},
        )
        near = Copy.objects.get(ring="B")
        self.assertEqual(near.mine, self.blobs["alpha_steps/steps.py"])
        self.assertFalse({"beta/clamp.py", "delta/steps.py"} & self.listed())
        self.assertIn("delta/own.py", self.listed())
        shown = effects.of_request(request)
        self.assertEqual([(ring.ring, ring.open, ring.block) for ring in shown.rings], [("A", 1, 0), ("B", 1, 0)])
        self.assertEqual(shown.open, 2)

    def test_without_the_wish_for_copies_nothing_of_others_is_touched(self) -> None:
        self.asked()
        self.assertFalse(ContentMask.objects.exists())
        self.assertIn("beta/clamp.py", {row["path"] for row in files_table(purging.corpus_folder()).to_dicts()})

    def test_it_cannot_be_granted_before_every_copy_is_compared(self) -> None:
        request = self.asked(copies=True)
        with self.assertRaisesMessage(Conflict, "2 copies under other owners have not been compared"):
            decisions.accept(request, self.reviewer)
        request.refresh_from_db()
        self.assertEqual((request.state, BlockEntry.objects.count()), ("triage", 0))

    def test_what_is_left_is_shown_again_and_what_is_blocked_goes_for_good(self) -> None:
        request = self.asked(copies=True)
        copies.decide(request, self.reviewer, Copy.LEAVE, ids=[Copy.objects.get(ring="A").pk])
        copies.decide(request, self.reviewer, Copy.BLOCK, group="github.com/delta/lib")
        self.assertFalse("delta/steps.py" in self.listed())
        decisions.accept(request, self.reviewer)
        request.refresh_from_db()
        self.assertEqual(request.state, "scheduled")
        blocked = blocklist.blocked_contents().blobs
        self.assertIn(self.blobs["delta/steps.py"], blocked)
        self.assertIn(self.blobs["alpha_steps/steps.py"], blocked)  # its own: it may come back under no other name
        self.assertNotIn(self.blobs["beta/clamp.py"], blocked)
        covered = coverage.of_request(request)
        self.assertEqual(covered.ring_b, {self.blobs["delta/steps.py"]})
        self.assertEqual(covered.ring_a, {self.blobs["alpha_steps/steps.py"]})
        kinds = set(BlockEntry.objects.values_list("kind", flat=True))
        self.assertEqual(kinds, {"owner", "blob"})
        made = self.publish()
        held = {row["path"] for row in browsing.list_files(made, FileFilter(), 0).rows}
        self.assertIn("beta/clamp.py", held)  # the innocent owner's copy took its place
        self.assertIn("delta/own.py", held)
        self.assertFalse({"delta/steps.py", "alpha_steps/steps.py"} & held)
        run_jobs(removal.CHECK)
        request.refresh_from_db()
        self.assertIn(request.state, ("removed", "receipted"))
        # A newcomer with the same file does not bring it back.
        source = self.make_source([FakePackage("eps", "Eps/copy", "MIT", {"eps/steps.py": CODE})], name="more")
        job = execute_here(sources.start_ingest(self.staff, source.name))
        self.assertEqual(job.result["skipped"], {"opted_out": 1})

    def test_a_verdict_is_for_reviewers_of_open_requests_and_needs_a_choice(self) -> None:
        request = self.asked(copies=True)
        one = Copy.objects.get(ring="A")
        with self.assertRaises(PermissionDenied):
            copies.decide(request, self.ada, Copy.BLOCK, ids=[one.pk])
        with self.assertRaises(InvalidInput):
            copies.decide(request, self.reviewer, "open", ids=[one.pk])
        with self.assertRaises(InvalidInput):
            copies.decide(request, self.reviewer, Copy.BLOCK)
        other = ask(make_user("eve"), "Beta")
        with self.assertRaises(Conflict):
            copies.decide(other, self.reviewer, Copy.BLOCK, ids=[one.pk])
        requests.withdraw(request, self.ada)
        with self.assertRaises(Conflict):
            copies.decide(request, self.reviewer, Copy.BLOCK, ids=[one.pk])
        self.assertIn("delta/steps.py", {one.path for one in Copy.objects.all()})
        self.assertEqual(ContentMask.objects.filter(lifted_at=None).count(), 0)

    def test_under_an_account_that_stays_in_nothing_is_hidden_or_blocked_without_a_reviewer(self) -> None:
        Declaration.objects.create(
            person=make_user("del"),
            forge="github.com",
            account="Delta",
            owner_key="github.com/delta",
            challenge="x",
            expires_at=timezone.now(),
            declared_at=timezone.now(),
        )
        request = self.asked(copies=True)
        near = Copy.objects.get(ring="B")
        self.assertEqual((near.why, near.verdict), ("declared", "open"))
        self.assertIn("beta/clamp.py", {one.path for one in Copy.objects.filter(ring="A")})
        hidden = set(ContentMask.objects.filter(lifted_at=None).values_list("blob", flat=True))
        self.assertNotIn(near.blob, hidden)
        copies.decide(request, self.reviewer, Copy.BLOCK, ids=[near.pk])
        self.assertIn(near.blob, set(ContentMask.objects.filter(lifted_at=None).values_list("blob", flat=True)))

    def test_looking_again_keeps_what_was_decided(self) -> None:
        request = self.asked(copies=True)
        copies.decide(request, self.reviewer, Copy.LEAVE, group="A")
        copies.begin(request, self.staff)
        self.assertEqual(Copy.objects.get(ring="A").verdict, "leave")
        self.assertNotIn(
            self.blobs["beta/clamp.py"], set(ContentMask.objects.filter(lifted_at=None).values_list("blob", flat=True))
        )

    def test_a_copy_that_arrives_between_proof_and_acceptance_has_to_be_compared_first(self) -> None:
        request = self.asked(copies=True)
        for ring in "AB":
            copies.decide(request, self.reviewer, Copy.BLOCK, group=ring)
        late = FakePackage("eps", "Eps/copy", "MIT", {"eps/steps.py": CODE})
        execute_here(sources.start_ingest(self.staff, self.make_source([late], name="more").name))
        with self.assertRaises(PermissionDenied):
            decisions.accept(request, self.ada)
        with self.assertRaisesMessage(Conflict, "One copy under another owner has not been compared"):
            decisions.accept(request, self.reviewer)
        found = Copy.objects.get(path="eps/steps.py")
        self.assertEqual((found.ring, found.verdict, found.why), ("A", "open", "unknown_origin"))
        copies.decide(request, self.reviewer, Copy.LEAVE, ids=[found.pk])
        decisions.accept(request, self.reviewer)
        self.assertNotIn(found.blob, blocklist.blocked_contents().blobs)

    def test_content_that_has_become_anybodys_since_it_was_looked_for_is_not_blocked(self) -> None:
        request = self.asked(copies=True)
        mine = self.blobs["alpha_steps/steps.py"]
        self.assertIn(mine, masks.hidden_blobs([mine]))
        late = [
            FakePackage(f"late{n}", f"Late{n}/copy", "MIT", {f"late{n}/steps.py": CODE})
            for n in range(engine.MANY_OWNERS + 1)
        ]
        execute_here(sources.start_ingest(self.staff, self.make_source(late, name="more").name))
        copies.refresh(request, self.reviewer)
        self.assertNotIn(mine, masks.hidden_blobs([mine]))

    def test_commits_and_issues_stand_in_the_entry(self) -> None:
        request = self.asked(commits=True, issues=True)
        decisions.accept(request, self.reviewer)
        entry = BlockEntry.objects.get()
        self.assertEqual((entry.covers_commits, entry.covers_issues), (True, True))


class Accounts(TestCase):
    """Who is meant by a name that changed hands."""

    def setUp(self) -> None:
        self.ada, self.reviewer = make_user("ada"), people.reviewer()

    def owner(self, number: int, login: str = "ada"):
        from datasets_app.models import Owner

        return Owner.objects.create(
            key=f"github.com:{number}", forge="github.com", account_id=str(number), login=login, login_folded=login
        )

    def test_a_request_is_bound_to_the_number_and_not_to_who_has_or_had_the_name(self) -> None:
        former, now = self.owner(1), self.owner(2)
        request = ask(self.ada, "Ada")
        self.assertEqual(request.owner_key, now.key)
        prove(request)
        decisions.accept(request, self.reviewer)
        owners, _ = blocklist.blocked_keys()
        self.assertIn(now.key, owners)
        self.assertNotIn(former.key, owners)

    def test_an_account_that_was_renamed_meanwhile_is_still_the_one_that_is_blocked(self) -> None:
        owner = self.owner(1)
        request = ask(self.ada, "ada")
        type(owner).objects.filter(pk=owner.pk).update(login="lovelace", login_folded="lovelace")
        newcomer = self.owner(2)
        prove(request)
        decisions.accept(request, self.reviewer)
        owners, _ = blocklist.blocked_keys()
        self.assertIn(owner.key, owners)
        self.assertNotIn(newcomer.key, owners)


class Pages(Floor, TestCase):
    """The preview before sending, the requester's page and the desk's."""

    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.ada)
        self.desk = Client()
        self.desk.force_login(self.reviewer)

    def test_the_preview_counts_and_lists_what_anybody_can_find_of_the_rings(self) -> None:
        draft = drafts.start(self.ada)
        drafts.set_account(draft, self.ada, "Beta", "gitlab.com")
        drafts.set_scope(draft, self.ada, "account")
        drafts.set_extent(draft, self.ada, copies=True)
        page = self.client.get(reverse("portal:opt-out-preview"))
        self.assertContains(page, "alpha_one/clamp.py")
        self.assertNotContains(page, "delta/steps.py")
        masks.mask_contents(self.staff, "R-9", [self.blobs["beta/clamp.py"]])
        self.assertNotContains(self.client.get(reverse("portal:opt-out-preview")), "alpha_one/clamp.py")
        self.assertEqual(self.client.get(reverse("portal:opt-out-preview"), {"with": "0" * 40}).status_code, 404)

    def test_a_near_copy_that_was_left_out_of_the_release_is_not_shown_before_the_proof_and_is_after(self) -> None:
        request = ask(self.ada, "Alpha", copies=True)
        where = reverse("portal:request-copies", args=[request.reference])
        self.assertEqual(self.client.get(where).status_code, 404)
        prove(request)
        self.assertContains(self.client.get(where), "delta/steps.py")
        near = Copy.objects.get(ring="B")
        page = self.client.get(where, {"with": near.pk})
        self.assertContains(page, "sides__mark")
        self.assertNotContains(page, "Block this copy")
        stranger = Client()
        stranger.force_login(make_user("eve"))
        self.assertEqual(stranger.get(where).status_code, 404)

    def test_a_reviewer_compares_and_decides_one_a_repository_and_the_chosen_ones(self) -> None:
        request = self.asked(copies=True)
        where = reverse("portal:desk-copies", args=[request.reference])
        near, exact = Copy.objects.get(ring="B"), Copy.objects.get(ring="A")
        page = self.desk.get(where, {"with": near.pk})
        self.assertContains(page, "Side by side")
        self.assertContains(page, '<mark class="sides__mark">stage</mark>')
        self.assertContains(self.desk.post(where, {"verdict": "block"}), "Choose at least one copy", status_code=422)
        self.assertRedirects(self.desk.post(where, {"verdict": "block", "copies": [near.pk]}), where)
        self.assertRedirects(self.desk.post(where, {"verdict": "leave", "group": exact.repository_key}), where)
        self.assertContains(self.desk.get(where), "All are decided")
        self.assertEqual(sorted(Copy.objects.values_list("ring", "verdict")), [("A", "leave"), ("B", "block")])
        self.assertContains(self.desk.get(where, {"ring": "A", "verdict": "leave"}), "beta/clamp.py")
        self.assertNotContains(self.desk.get(where, {"ring": "A"}), "delta/steps.py</label>")

    def test_who_is_no_reviewer_decides_nothing(self) -> None:
        request = self.asked(copies=True)
        where = reverse("portal:desk-copies", args=[request.reference])
        for client in (self.client, Client()):
            response = client.post(where, {"verdict": "leave", "group": "B"})
            self.assertIn(response.status_code, (302, 403))
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.reviewer)
        self.assertEqual(strict.post(where, {"verdict": "leave", "group": "B"}).status_code, 403)
        self.assertEqual(Copy.objects.filter(verdict="open").count(), 2)

    def test_names_of_others_are_text_and_nothing_else(self) -> None:
        request = self.asked(copies=True)
        Copy.objects.filter(ring="B").update(path="<script>alert(1)</script>.py", owner="<b>\u202ebob</b>")
        for client, name in ((self.client, "portal:request-copies"), (self.desk, "portal:desk-copies")):
            page = client.get(reverse(name, args=[request.reference]))
            self.assertNotContains(page, "<script>alert")
            self.assertNotContains(page, "<b>\u202e")


class Api(Floor, TestCase):
    """The same by the API: every scope, the preview, the copies and what is decided on them."""

    def post(self, path: str, client: Client | None = None, **body: object):
        return (client or self.client).post(f"/api/{path}", body, content_type="application/json")

    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.ada)
        self.desk = Client()
        self.desk.force_login(self.reviewer)

    def test_a_preview_keeps_nothing_and_shows_what_anybody_can_find(self) -> None:
        shown = self.post("opt-out/preview", account="Beta", forge="gitlab.com", copies=True).json()
        self.assertEqual((shown["ring_a"], shown["ring_b"]), (1, 0))
        self.assertEqual(shown["copies"][0]["path"], "alpha_one/clamp.py")
        self.assertEqual(shown["releases"], [{"release": str(self.release), "files": 2}])
        self.assertFalse(OptOutRequest.objects.exists())
        self.assertEqual(self.post("opt-out/preview", account="^.+$", forge="github.com").status_code, 422)
        self.assertEqual(self.post("opt-out/preview", Client(), account="Beta").status_code, 401)

    def test_every_scope_is_sent_and_copies_are_decided(self) -> None:
        sent = self.post("requests", account="Alpha", forge="github.com", copies=True, commits=True)
        self.assertEqual(sent.status_code, 201)
        request = OptOutRequest.objects.get()
        self.assertEqual((request.scope, request.copies, request.covers_commits), ("account", True, True))
        where = f"requests/{request.reference}/copies"
        self.assertEqual(self.client.get(f"/api/{where}").status_code, 404)
        prove(request)
        found = self.client.get(f"/api/{where}").json()
        self.assertEqual([one["ring"] for one in found["copies"]], ["A", "B"])
        ids = [one["id"] for one in found["copies"]]
        self.assertEqual(self.post(f"desk/{where}", verdict="leave", ids=ids).status_code, 403)
        decided = self.post(f"desk/{where}", self.desk, verdict="leave", ids=ids).json()
        self.assertEqual([ring["leave"] for ring in decided["rings"]], [1, 1])
        contradiction = self.post("requests", account="Beta", forge="gitlab.com", scope="account", repositories=["x"])
        self.assertEqual(contradiction.status_code, 422)
        authored = self.post("requests", account="Alpha", forge="github.com", scope="authored")
        self.assertEqual((authored.status_code, authored.json()["scope"]), (201, "authored"))


class WrittenAlone(FloorMixin, TestCase):
    """A person asks for what they wrote alone in somebody else's repository."""

    def setUp(self) -> None:
        super().setUp()
        given = self.data.parent / f"{self.data.name}-mirror"
        self.addCleanup(shutil.rmtree, given, ignore_errors=True)
        clone = Repository(given / "ann" / "lib", "https://github.com/ann/lib")
        clone.commit({"LICENSE": MIT, "theirs.py": CODE.replace("step", "theirs")}, author="ann@example.org")
        clone.commit({"mine.py": CODE}, author="zoe@example.org")
        sources.add_source(self.staff, "mirror", "git-folder", {"folder": str(given)})
        assert execute_here(sources.start_ingest(self.staff, "mirror")).state == "succeeded"
        self.release = self.publish()
        self.zoe, self.reviewer = make_user("zoe"), people.reviewer()

    def listed(self, release: Release) -> set[str]:
        return {row["path"] for row in browsing.list_files(release, FileFilter(), 0).rows}

    def test_it_is_hidden_once_the_address_is_proven_and_leaves_with_the_next_release(self) -> None:
        self.assertIn("mine.py", self.listed(self.release))
        request = ask(self.zoe, "zoe", scope="authored")
        prove(request, author_key=keyed_hash("author", "zoe@example.org"))
        self.assertEqual(self.listed(self.release), {"theirs.py"})
        self.assertEqual(effects.of_request(request).files, 1)
        decisions.accept(request, self.reviewer)
        self.assertEqual(list(BlockEntry.objects.values_list("kind", flat=True)), ["author"])
        made = self.publish()
        self.assertEqual(self.listed(made), {"theirs.py"})
        self.assertNotIn("mine.py", set(files_table(purging.corpus_folder())["path"]))
        run_jobs(removal.CHECK)
        request.refresh_from_db()
        self.assertIn(request.state, ("removed", "receipted"))
        self.assertEqual(RemovalEvidence.objects.get(request=request).own, 1)

    def test_without_a_proven_address_it_cannot_be_granted(self) -> None:
        request = prove(ask(self.zoe, "zoe", scope="authored"))
        with self.assertRaisesMessage(Conflict, "No address of a commit author is proven"):
            decisions.accept(request, self.reviewer)
        self.assertIn("mine.py", self.listed(self.release))
