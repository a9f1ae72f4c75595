"""Roles of the staff: given and taken by administrators, audited, never one's own, never the last administrator's."""

import threading
from collections.abc import Callable
from functools import partial
from io import StringIO

from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase, TransactionTestCase
from django.urls import reverse

from core import roles
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.models import AuditEntry, User
from core.permissions import SYSTEM
from tests.base import make_staff, make_user


def make_with(name: str, *held: str) -> User:
    """An account with roles."""
    user = make_user(name)
    user.groups.set(Group.objects.filter(name__in=held))
    return user


class TableTests(TestCase):
    def test_every_permission_of_the_table_exists_and_every_group_has_its_own_exactly(self) -> None:
        known = {f"{one.content_type.app_label}.{one.codename}" for one in Permission.objects.select_related()}
        for role in roles.ROLES.values():
            self.assertLessEqual(set(role.permissions), known, role.name)
            self.assertEqual(make_with(role.name, role.name).get_all_permissions(), set(role.permissions))

    def test_what_somebody_added_to_a_group_by_hand_goes_with_the_next_migration(self) -> None:
        group = Group.objects.get(name="auditor")
        group.permissions.add(Permission.objects.get(codename="review_request"))
        roles.synchronise()
        self.assertFalse(group.permissions.filter(codename="review_request").exists())

    def test_the_separation_of_duties(self) -> None:
        may = {name: set(role.permissions) for name, role in roles.ROLES.items()}
        changing = {"portal.review_request", "datasets_app.build_release", "datasets_app.approve_release"}
        self.assertFalse(may["auditor"] & (changing | {"training_jobs.launch_run", "core.manage_roles"}))
        self.assertFalse(may["reviewer"] & {"datasets_app.build_release", "datasets_app.approve_release"})
        self.assertFalse(may["curator"] & {"portal.review_request", "core.manage_roles"})
        self.assertFalse(may["administrator"] & changing)


class ServiceTests(TestCase):
    def setUp(self) -> None:
        self.admin = make_with("grace", "administrator")
        self.ada = make_user("ada")

    def test_a_role_is_given_once_and_taken_once_each_with_its_audit_row(self) -> None:
        self.assertTrue(roles.give(self.admin, self.ada, "reviewer"))
        self.assertFalse(roles.give(self.admin, self.ada, "reviewer"))
        self.assertTrue(User.objects.get(username="ada").has_perm("portal.review_request"))
        self.assertTrue(roles.take(self.admin, self.ada, "reviewer"))
        self.assertFalse(roles.take(self.admin, self.ada, "reviewer"))
        self.assertFalse(User.objects.get(username="ada").has_perm("portal.review_request"))
        rows = AuditEntry.objects.filter(object_type="core.user", object_id=str(self.ada.pk)).order_by("pk")
        self.assertEqual([(row.action, row.actor, row.facts) for row in rows], [
            ("give role", self.admin, {"role": "reviewer"}),
            ("take role", self.admin, {"role": "reviewer"}),
        ])  # fmt: skip

    def test_nobody_changes_their_own_roles_nor_without_the_permission(self) -> None:
        with self.assertRaisesMessage(PermissionDenied, "their own roles"):
            roles.give(self.admin, self.admin, "reviewer")
        root = make_staff("root")
        with self.assertRaisesMessage(PermissionDenied, "their own roles"):
            roles.give(root, root, "auditor")
        with self.assertRaises(PermissionDenied):
            roles.give(make_with("bob", "reviewer", "curator"), self.ada, "reviewer")
        with self.assertRaises(InvalidInput):
            roles.give(self.admin, self.ada, "emperor")

    def test_an_auditor_has_no_other_role_and_a_closed_account_none(self) -> None:
        roles.give(self.admin, self.ada, "auditor")
        with self.assertRaisesMessage(Conflict, "no other role"):
            roles.give(self.admin, self.ada, "curator")
        bob = make_with("bob", "curator")
        with self.assertRaisesMessage(Conflict, "no other role"):
            roles.give(self.admin, bob, "auditor")
        closed = make_user("joan", is_active=False)
        with self.assertRaisesMessage(Conflict, "closed"):
            roles.give(self.admin, closed, "curator")

    def test_the_last_administrator_stays(self) -> None:
        with self.assertRaisesMessage(Conflict, "last administrator"):
            roles.take(SYSTEM, self.admin, "administrator")
        make_with("joan", "administrator").save()
        User.objects.filter(username="joan").update(is_active=False)
        with self.assertRaisesMessage(Conflict, "last administrator"):
            roles.take(SYSTEM, self.admin, "administrator")
        User.objects.filter(username="joan").update(is_active=True)
        self.assertTrue(roles.take(SYSTEM, self.admin, "administrator"))

    def test_the_command_makes_the_first_administrator(self) -> None:
        out = StringIO()
        call_command("grant_role", "ada", "administrator", stdout=out)
        self.assertIn("ada has the role administrator now", out.getvalue())
        self.assertIsNone(AuditEntry.objects.get(action="give role").actor)
        call_command("grant_role", "ada", "administrator", stdout=out)
        self.assertIn("had the role administrator already", out.getvalue())
        call_command("grant_role", "ada", "administrator", "--take", stdout=out)
        with self.assertRaisesMessage(CommandError, "last administrator"):
            call_command("grant_role", "grace", "administrator", "--take", stdout=out)
        with self.assertRaisesMessage(CommandError, "no account called nobody"):
            call_command("grant_role", "nobody", "reviewer", stdout=out)
        with self.assertRaisesMessage(CommandError, "There is no role"):
            call_command("grant_role", "ada", "king", stdout=out)


class RaceTests(TransactionTestCase):
    def test_two_administrators_cannot_take_each_other_away_at_once(self) -> None:
        ada, bob = make_with("ada", "administrator"), make_with("bob", "administrator")
        refused = self.at_once(
            lambda: roles.take(ada, bob, "administrator"), lambda: roles.take(bob, ada, "administrator")
        )
        self.assertEqual(roles.administrators().count(), 1)
        self.assertEqual(len(refused), 1)
        self.assertIsInstance(refused[0], (Conflict, PermissionDenied))

    def test_two_administrators_cannot_give_roles_at_once_that_exclude_each_other(self) -> None:
        ada, bob = make_with("ada", "administrator"), make_with("bob", "administrator")
        for number in range(10):
            user = make_user(f"new-{number}")
            refused = self.at_once(
                partial(roles.give, ada, user, "auditor"),
                partial(roles.give, bob, user, "reviewer"),
            )
            self.assertEqual([str(error)[:28] for error in refused], ["An auditor has no other role"])
            self.assertEqual(len(roles.of(user)), 1)

    def at_once(self, *acts: Callable[[], object]) -> list[Exception]:
        """Each in a thread of its own. Gives what was refused."""
        together = threading.Barrier(len(acts))
        refused: list[Exception] = []

        def run(act: Callable[[], object]) -> None:
            try:
                together.wait(10)
                act()
            except Exception as error:
                refused.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return refused


class PageTests(TestCase):
    def test_an_administrator_finds_an_account_and_gives_and_takes_a_role(self) -> None:
        admin, ada = make_with("grace", "administrator"), make_user("ada")
        self.client.force_login(admin)
        answer = self.client.get(reverse("core:roles"), {"name": "ada"})
        page = reverse("core:person", args=[ada.pk])
        self.assertRedirects(answer, page)
        answer = self.client.post(page, {"role": "reviewer", "act": "give"}, follow=True)
        self.assertContains(answer, "ada is now reviewer.")
        self.assertContains(answer, "give role")
        self.assertContains(self.client.get(reverse("core:roles")), "Reviewer")
        answer = self.client.post(page, {"role": "reviewer", "act": "take"}, follow=True)
        self.assertContains(answer, "ada is no longer reviewer.")
        self.assertContains(self.client.post(page, {"role": "king"}, follow=True), "There is no role")
        self.assertContains(self.client.get(reverse("core:roles"), {"name": "<b>x"}), "&lt;b&gt;x", status_code=404)

    def test_ones_own_page_has_no_buttons_and_the_act_is_refused(self) -> None:
        admin = make_with("grace", "administrator")
        self.client.force_login(admin)
        page = reverse("core:person", args=[admin.pk])
        self.assertNotContains(self.client.get(page), 'name="act"')
        self.assertEqual(self.client.post(page, {"role": "reviewer", "act": "give"}).status_code, 403)
