"""Signing up, in and out, the account, its password, the theme."""

from django.contrib.auth import get_user
from django.test import TestCase
from django.urls import reverse

from core.models import User
from tests.base import make_user

GOOD = "analytical engine 1843"


class SignUpTests(TestCase):
    def test_a_name_and_a_password_suffice(self) -> None:
        answer = self.client.post(reverse("core:sign-up"), {"username": "ada", "password1": GOOD, "password2": GOOD})
        self.assertRedirects(answer, reverse("core:account"))
        self.assertEqual(get_user(self.client), User.objects.get(username="ada", email=""))

    def test_it_goes_on_to_where_the_visitor_wanted(self) -> None:
        fields = {"username": "ada", "password1": GOOD, "password2": GOOD, "next": reverse("core:tokens")}
        self.assertRedirects(self.client.post(reverse("core:sign-up"), fields), reverse("core:tokens"))

    def test_it_never_goes_on_to_another_site(self) -> None:
        fields = {"username": "ada", "password1": GOOD, "password2": GOOD, "next": "https://elsewhere.example/"}
        self.assertRedirects(self.client.post(reverse("core:sign-up"), fields), reverse("core:account"))

    def test_a_weak_password_is_refused_with_a_reason(self) -> None:
        answer = self.client.post(
            reverse("core:sign-up"), {"username": "ada", "password1": "secret", "password2": "secret"}
        )
        self.assertContains(answer, "at least 10 characters")
        self.assertFalse(User.objects.exists())

    def test_a_taken_name_is_refused(self) -> None:
        make_user("ada")
        answer = self.client.post(reverse("core:sign-up"), {"username": "ada", "password1": GOOD, "password2": GOOD})
        self.assertContains(answer, "already exists")

    def test_nobody_becomes_staff_by_asking(self) -> None:
        fields = {"username": "eve", "password1": GOOD, "password2": GOOD, "is_staff": "on", "is_superuser": "on"}
        self.client.post(reverse("core:sign-up"), fields)
        self.assertFalse(User.objects.get().is_staff or User.objects.get().is_superuser)

    def test_who_is_signed_in_has_an_account(self) -> None:
        self.client.force_login(make_user())
        self.assertRedirects(self.client.get(reverse("core:sign-up")), reverse("core:account"))


class SignInTests(TestCase):
    def test_the_right_password_goes_on(self) -> None:
        make_user("ada")
        fields = {"username": "ada", "password": "correct horse battery", "next": reverse("core:tokens")}
        self.assertRedirects(self.client.post(reverse("core:sign-in"), fields), reverse("core:tokens"))

    def test_a_wrong_password_and_a_wrong_name_look_the_same(self) -> None:
        make_user("ada")
        texts = []
        for name in ("ada", "bob"):
            answer = self.client.post(reverse("core:sign-in"), {"username": name, "password": "wrong"})
            self.assertEqual(answer.status_code, 200)
            texts.append(str(answer.context["form"].non_field_errors()))
        self.assertEqual(*texts)

    def test_the_page_calls_the_site_by_its_name(self) -> None:
        with self.settings(FAIRSTACK_SITE_NAME="Ours"):
            self.assertContains(self.client.get(reverse("core:sign-in")), "<title>Sign in · Ours</title>")

    def test_signing_out_needs_a_form(self) -> None:
        self.client.force_login(make_user())
        self.assertEqual(self.client.get(reverse("core:sign-out")).status_code, 405)
        self.client.post(reverse("core:sign-out"))
        self.assertFalse(get_user(self.client).is_authenticated)


class AccountTests(TestCase):
    def setUp(self) -> None:
        self.user = make_user("ada")
        self.client.force_login(self.user)

    def test_the_page_tells_what_is_kept(self) -> None:
        answer = self.client.get(reverse("core:account"))
        self.assertContains(answer, "What is kept of you")
        self.assertContains(answer, "ada")

    def test_the_address_can_be_given_and_taken_away(self) -> None:
        for address in ("ada@example.org", ""):
            self.client.post(reverse("core:account"), {"email": address})
            self.user.refresh_from_db()
            self.assertEqual(self.user.email, address)

    def test_a_wrong_address_changes_nothing(self) -> None:
        answer = self.client.post(reverse("core:account"), {"email": "ada at example"})
        self.assertContains(answer, "There is a problem")
        self.user.refresh_from_db()
        self.assertEqual(self.user.email, "")

    def test_a_new_password_ends_other_sessions(self) -> None:
        other = self.client_class()
        other.force_login(self.user)
        fields = {"old_password": "correct horse battery", "new_password1": GOOD, "new_password2": GOOD}
        self.assertRedirects(self.client.post(reverse("core:password"), fields), reverse("core:account"))
        self.assertEqual(other.get(reverse("core:account")).status_code, 302)
        self.assertEqual(self.client.get(reverse("core:account")).status_code, 200)

    def test_pages_of_the_account_ask_strangers_to_sign_in(self) -> None:
        self.client.logout()
        for name in ("account", "tokens", "password", "jobs"):
            url = reverse(f"core:{name}")
            self.assertRedirects(self.client.get(url), f"{reverse('core:sign-in')}?next={url}")


class ThemeTests(TestCase):
    def test_the_choice_is_kept_and_applied(self) -> None:
        answer = self.client.post(reverse("core:theme"), {"theme": "dark", "next": reverse("core:style")})
        self.assertRedirects(answer, reverse("core:style"))
        self.assertContains(self.client.get(reverse("core:style")), 'data-theme="dark"')

    def test_as_the_device_forgets_it(self) -> None:
        self.client.post(reverse("core:theme"), {"theme": "dark", "next": reverse("core:style")})
        self.client.post(reverse("core:theme"), {"theme": "system", "next": reverse("core:style")})
        self.assertNotContains(self.client.get(reverse("core:style")), "data-theme=")

    def test_a_cookie_that_is_no_theme_is_ignored(self) -> None:
        self.client.cookies["theme"] = '"><script>'
        answer = self.client.get(reverse("core:style"))
        self.assertNotContains(answer, "data-theme=")

    def test_it_leads_back_to_this_site_only(self) -> None:
        answer = self.client.post(reverse("core:theme"), {"theme": "light", "next": "//elsewhere.example/"})
        self.assertEqual(answer["Location"], "/")
        self.assertEqual(self.client.get(reverse("core:theme")).status_code, 405)
