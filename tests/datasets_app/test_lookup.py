"""Am I in it? Every way to ask, and that the public cannot tell removed, masked and never held apart."""

import random
from unittest import skipUnless

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from core.errors import InvalidInput
from datasets_app import lookup, near
from datasets_app.models import Holding, Owner, Release, Repository
from datasets_app.query import parse
from datasets_app.services import blocklist, masks
from tests.base import make_staff


class Parsing(TestCase):
    def test_accounts_repositories_and_addresses_are_told_apart(self):
        cases = {
            "django": ("django", "", ""),
            "  @Django ": ("django", "", ""),
            "Django/django": ("django", "django", ""),
            "django / Django ": ("django", "django", ""),
            "django/django.git": ("django", "django", ""),
            "https://github.com/Django/Django/tree/main/django": ("django", "django", "github.com"),
            "github.com/django/django": ("django", "django", "github.com"),
            "git@github.com:django/django.git": ("django", "django", "github.com"),
            "https://www.github.com/django": ("django", "", "github.com"),
            "github.com/orgs/django": ("django", "", "github.com"),
            "https://gitlab.com/group/sub/project": ("group", "sub/project", "gitlab.com"),
            "https://pypi.org/project/Left-Pad/": ("left-pad", "", "pypi.org"),
            "STRASSE": ("strasse", "", ""),
            "straße": ("strasse", "", ""),
            "https://[broken": ("https:", "/[broken", ""),
        }
        for text, (login, repository, forge) in cases.items():
            with self.subTest(text):
                found = parse(text)
                self.assertEqual((found.login, found.repository, found.forge), (login, repository, forge))

    def test_nothing_and_far_too_much_are_refused_with_a_hint(self):
        for text in ("", "   ", "/", "@", "x" * 401, "a\x00b"):
            with self.subTest(text[:5]), self.assertRaises(InvalidInput) as caught:
                parse(text)
            self.assertEqual(caught.exception.field, "q")


def hold(
    release: Release, login: str, name: str, files: int = 3, forge: str = "github.com", **fields: object
) -> Holding:
    owner, _ = Owner.objects.get_or_create(
        key=f"{forge}/{login.casefold()}",
        defaults={"forge": forge, "login": login, "login_folded": login.casefold()},
    )
    repository, _ = Repository.objects.get_or_create(
        key=f"{owner.key}/{name.casefold()}", defaults={"owner": owner, "name": name, "name_folded": name.casefold()}
    )
    values = {"files": files, "bytes": 100 * files, "licences": ["MIT"], "languages": ["Python"]} | fields
    return Holding.objects.create(release=release, owner=owner, repository=repository, **values)


class Searching(TestCase):
    def setUp(self):
        self.staff = make_staff()
        self.old = Release.objects.create(
            name="stack", version="v1.0", state="published", published_at="2026-01-01T00:00Z"
        )
        self.new = Release.objects.create(
            name="stack", version="v1.1", state="published", published_at="2026-02-01T00:00Z"
        )
        for release in (self.old, self.new):
            hold(release, "Django", "django", files=20)
            hold(release, "Django", "asgiref", files=4, licences=["BSD-3-Clause"])
            hold(release, "numpy", "numpy", files=9)
        hold(self.new, "django", "mirror", files=1, forge="gitlab.com")

    def names(self, text: str) -> list[str]:
        return [suggestion.text for suggestion in lookup.search(text).suggestions]

    def test_an_account_is_found_in_any_case_with_its_figures_by_release(self):
        found = lookup.search(" dJANGO ")
        self.assertTrue(found.held)
        self.assertEqual([match.owner.forge for match in found.matches], ["github.com", "gitlab.com"])
        self.assertEqual([held.release.version for held in found.match.releases], ["v1.1", "v1.0"])
        newest = found.match.newest
        self.assertEqual((newest.files, newest.bytes, newest.licences), (24, 2400, ["MIT", "BSD-3-Clause"]))
        self.assertEqual([repository.name for repository in newest.repositories], ["django", "asgiref"])
        self.assertEqual(found.suggestions, [])

    def test_a_repository_and_an_address_narrow_it(self):
        self.assertEqual(lookup.search("django/ASGIREF").match.newest.files, 4)
        self.assertEqual(lookup.search("https://gitlab.com/django").match.newest.files, 1)
        self.assertFalse(lookup.search("https://gitlab.com/numpy/numpy").held)
        self.assertFalse(lookup.search("django/nothing").held)

    def test_what_is_not_published_is_not_held(self):
        Release.objects.update(state="built")
        self.assertFalse(lookup.search("django").held)

    def test_a_repository_without_files_or_copies_is_not_held(self):
        hold(self.new, "empty", "empty", files=0)
        hold(self.new, "copied", "copied", files=0, copies=2)
        self.assertFalse(lookup.search("empty").held)
        self.assertEqual(lookup.search("copied").match.newest.copies, 2)

    def test_near_spellings_are_offered(self):
        for text in ("djang", "djnago", "djangoo", "djago", "django-project", "dja"):
            with self.subTest(text):
                self.assertIn("Django", self.names(text))
        self.assertEqual(self.names("zzzzzz"), [])

    def test_a_masked_blocked_or_removed_account_answers_like_one_never_held(self):
        owner = Owner.objects.get(key="github.com/numpy")
        never = lookup.search("nunpy-never")
        for act in (
            lambda: masks.mask(self.staff, owner, reference="R"),
            lambda: (masks.unmask(self.staff, "R"), blocklist.add(self.staff, owner, reference="R")),
            lambda: (blocklist.lift(self.staff, "R"), Holding.objects.filter(owner=owner).delete()),
        ):
            act()
            found = lookup.search("numpy")
            self.assertEqual((found.held, found.matches, found.suggestions), (False, [], []))
            self.assertEqual(self.names("nunpy"), [])
        self.assertEqual((never.held, never.matches), (False, []))

    def test_the_database_is_asked_the_same_questions_whether_an_account_is_hidden_or_was_never_held(self):
        def asked(text: str) -> list[str]:
            with CaptureQueriesContext(connection) as queries:
                lookup.search(text)
            return [query["sql"][:100] for query in queries]

        never = asked("nomby")
        masks.mask(self.staff, Owner.objects.get(key="github.com/numpy"), reference="R")
        self.assertEqual(asked("numpy"), never)
        blocklist.add(self.staff, Owner.objects.get(key="github.com/numpy"), reference="R")
        masks.unmask(self.staff, "R")
        self.assertEqual(asked("numpy"), never)

    @skipUnless(connection.vendor == "postgresql", "it is PostgreSQL's planner that would")
    def test_a_look_up_never_reads_the_whole_block_list(self):
        plan = lookup.held_by_public().filter(owner__in=[1, 2, 3]).order_by().explain()
        self.assertIn("SubPlan", plan)
        self.assertNotIn("hashed", plan)

    def test_a_masked_repository_leaves_the_others(self):
        owner = Owner.objects.get(key="github.com/django")
        masks.mask(self.staff, owner, owner.repositories.get(name="django"), reference="R")
        self.assertEqual(lookup.search("https://github.com/django").match.newest.files, 4)
        self.assertFalse(lookup.search("https://github.com/django/django").held)
        self.assertEqual(masks.unmask(self.staff, "R"), 1)
        self.assertTrue(lookup.search("https://github.com/django/django").held)

    def test_an_account_with_very_many_repositories_is_counted_whole_and_listed_in_part(self):
        for number in range(lookup.LISTED + 5):
            hold(self.new, "busy", f"r{number}", files=1)
        newest = lookup.search("busy").match.newest
        self.assertEqual((newest.files, len(newest.repositories), newest.more), (105, 100, 5))

    def test_few_queries_answer_however_many_accounts_there_are(self):
        with self.assertNumQueries(3):
            lookup.search("django")
        with self.assertNumQueries(3 if connection.vendor == "postgresql" else 5):
            lookup.search("djnago")

    def test_a_slip_at_any_place_is_seen_through_among_many_names(self):
        chance = random.Random(7)
        names = sorted(
            {"".join(chance.choices("abcdefghijklmnopqrst", k=chance.randrange(5, 15))) for _ in range(3000)}
        )
        owners = [Owner(key=name, forge="github.com", login=name, login_folded=name) for name in names]
        Owner.objects.bulk_create(owners)
        missed = []
        for name in chance.sample(names, 60):
            place, letter = chance.randrange(len(name)), chance.choice("xyz")
            for typed in (
                name[:place] + letter + name[place + 1 :],
                name[:place] + letter + name[place:],
                name[:place] + name[place + 1 :],
                name[: max(0, place - 1)] + name[max(0, place - 1) : place + 1][::-1] + name[place + 1 :],
            ):
                if name not in {folded for _, _, folded, _ in near.candidates(typed).values()} and typed != name:
                    missed.append((name, typed))
        self.assertEqual(missed, [])

    def test_few_names_are_asked_for_one_by_one_where_names_are_found_from_their_end(self):
        for length in range(1, 40):
            self.assertLessEqual(len(near.few_slips("abcdefghij"[:length] * 4)), 250)
        self.assertLessEqual(len(near.few_slips("torvalds-linus-too")), 55)

    def test_the_owner_and_the_staff_see_everything(self):
        owner = Owner.objects.get(key="github.com/django")
        Release.objects.filter(pk=self.old.pk).update(state="withdrawn")
        repository = owner.repositories.get(name="asgiref")
        blocklist.add(self.staff, owner, repository, "R")
        masks.mask(self.staff, owner, reference="R")
        seen = lookup.exposure(owner)
        self.assertEqual([held.release.state for held in seen.held], ["published", "withdrawn"])
        self.assertTrue(seen.held_now and seen.masked)
        self.assertIsNone(seen.blocked_since)
        self.assertEqual(list(seen.blocked_repositories), [repository.pk])
        nobody = lookup.exposure(Owner.objects.create(key="k", forge="github.com", login="new", login_folded="new"))
        self.assertEqual((nobody.held, nobody.held_now, nobody.masked), ([], False, False))


class BlockList(TestCase):
    def setUp(self):
        self.staff = make_staff()
        release = Release.objects.create(name="stack", version="v1.0", state="published")
        self.owner = hold(release, "alpha", "one").owner
        self.other = hold(release, "beta", "two").repository

    def test_an_entry_is_made_once_and_lifted_once(self):
        first = blocklist.add(self.staff, self.owner, reference="R")
        self.assertEqual(blocklist.add(self.staff, self.owner, reference="R"), first)
        self.assertEqual(blocklist.position(), first.position)
        self.assertEqual((blocklist.lift(self.staff, "R"), blocklist.lift(self.staff, "R")), (1, 0))
        self.assertEqual(blocklist.blocked_keys(), (frozenset(), frozenset()))
        self.assertGreater(blocklist.add(self.staff, self.owner, reference="R").position, first.position)

    def test_what_two_requests_block_stays_blocked_until_both_are_lifted(self):
        first = blocklist.add(self.staff, self.owner, reference="R")
        blocklist.add(self.staff, self.owner, reference="R2")
        # Whatever release honours the first honours the second: it need not wait for another one.
        self.assertEqual(blocklist.position_of("R2"), first.position)
        blocklist.lift(self.staff, "R")
        self.assertIn(self.owner.key, blocklist.blocked_keys()[0])
        self.assertGreater(blocklist.position_of("R2"), first.position)
        blocklist.lift(self.staff, "R2")
        self.assertNotIn(self.owner.key, blocklist.blocked_keys()[0])

    def test_no_key_stands_in_clear(self):
        entry = blocklist.add(self.staff, self.owner)
        self.assertNotIn("alpha", entry.keyed)
        self.assertEqual(len(entry.keyed), 64)

    def test_a_repository_of_another_account_is_refused(self):
        for act in (blocklist.add, masks.mask):
            with self.assertRaises(InvalidInput):
                act(self.staff, self.owner, self.other)

    def test_keys_are_known_again_after_their_rows_are_gone(self):
        blocklist.add(self.staff, self.owner)
        blocklist.add(self.staff, self.other.owner, self.other)
        owner_key, repository_key = self.owner.key, self.other.key
        self.owner.delete()
        self.other.delete()
        owners, repositories = blocklist.blocked_keys()
        self.assertEqual((list(owners), list(repositories)), ([], []))
        self.assertIn(owner_key, owners)
        self.assertIn(repository_key, repositories)
        self.assertNotIn(repository_key, owners)

    def test_masking_twice_under_one_reference_makes_one_mask(self):
        self.assertEqual(
            masks.mask(self.staff, self.owner, reference="R"), masks.mask(self.staff, self.owner, reference="R")
        )
        self.assertEqual((masks.unmask(self.staff, "R"), masks.unmask(self.staff, "R")), (1, 0))

    def test_hidden_keys_are_those_masked_and_blocked(self):
        masks.mask(self.staff, self.owner)
        blocklist.add(self.staff, self.other.owner, self.other)
        self.assertEqual(masks.hidden_keys(), (frozenset({self.owner.key}), frozenset({self.other.key})))
