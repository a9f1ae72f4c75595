"""What every page has: frame, navigation, headers, error pages, the style page."""

import re
from pathlib import Path

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, SimpleTestCase, TestCase, override_settings
from django.urls import include, path, reverse

from core.context import navigation
from tests.base import make_staff, make_user
from tests.core.test_roles import make_with


def refuse(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("Your account may not build releases. Ask the staff of this site.")


def refuse_silently(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def malformed(request: HttpRequest) -> HttpResponse:
    raise BadRequest("no")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


urlpatterns = [
    path("refuse/", refuse),
    path("refuse-silently/", refuse_silently),
    path("malformed/", malformed),
    path("broken/", broken),
    path("", include("core.urls")),
    path("admin/", include(([path("", refuse, name="index")], "admin"))),
]


class FrameTests(TestCase):
    def test_every_page_of_the_ground_floor_answers_as_it_should(self) -> None:
        for_all = ("style", "sign-in", "sign-up")
        for_members = ("account", "tokens", "password", "jobs")
        staff, member = self.client_class(), self.client_class()
        staff.force_login(make_staff())
        member.force_login(make_user())
        for name in for_all:
            self.assertEqual(self.client.get(reverse(f"core:{name}")).status_code, 200, name)
        for name in for_members:
            self.assertEqual(self.client.get(reverse(f"core:{name}")).status_code, 302, name)
            self.assertEqual(member.get(reverse(f"core:{name}")).status_code, 200, name)
            self.assertEqual(staff.get(reverse(f"core:{name}")).status_code, 200, name)

    def test_the_content_security_policy_is_strict(self) -> None:
        policy = self.client.get(reverse("core:style"))["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotIn("*", policy)

    def test_the_frame_has_search_skip_link_and_quiet_htmx(self) -> None:
        answer = self.client.get(reverse("core:style"))
        self.assertContains(answer, 'action="/search" method="get" role="search"')
        self.assertContains(answer, '<a class="skip-link" href="#main">')
        self.assertContains(answer, '"allowEval": false, "includeIndicatorStyles": false')
        self.assertContains(answer, "django_htmx/htmx-2.min.js")

    def test_the_account_menu_shows_administration_to_staff_alone(self) -> None:
        for user, shown in ((make_user(), False), (make_staff(), True)):
            self.client.force_login(user)
            answer = self.client.get(reverse("core:account"))
            self.assertEqual("Administration" in answer.content.decode(), shown)

    def test_the_style_page_has_every_icon_and_tone(self) -> None:
        answer = self.client.get(reverse("core:style"))
        for tone in ("neutral", "info", "success", "warning", "danger"):
            self.assertContains(answer, f"badge--{tone}")
        for part in (
            "error-summary",
            "timeline",
            "bars__svg",
            "curves__svg",
            "pagination",
            "empty",
            "code__line",
            "verdict",
        ):
            self.assertContains(answer, part)

    def test_no_element_has_the_address_of_another(self) -> None:
        html = self.client.get(reverse("core:sign-up")).content.decode()
        ids = re.findall(r'\sid="([^"]+)"', html)
        self.assertEqual(len(ids), len(set(ids)))


class NavigationTests(TestCase):
    @override_settings(ROOT_URLCONF="tests.core_pages.test_site")
    def test_sections_that_are_not_installed_are_left_out(self) -> None:
        self.assertEqual(navigation("/", make_staff()), [])

    def test_the_section_of_the_page_is_marked(self) -> None:
        items = navigation("/runs/")
        self.assertEqual([item.label for item in items if item.active], ["Runs"])

    def test_each_role_is_led_to_its_own_desk(self) -> None:
        self.assertNotIn("Desk", [item.label for item in navigation("/", make_user())])
        for role, desk in (
            ("reviewer", "/desk/"),
            ("auditor", "/desk/"),
            ("curator", "/releases/desk/"),
            ("administrator", "/audit/"),
            ("ml-engineer", None),
        ):
            found = [item.url for item in navigation("/", make_with(role, role)) if item.label == "Desk"]
            self.assertEqual(found, [desk] if desk else [], role)


@override_settings(ROOT_URLCONF="tests.core_pages.test_site")
class ErrorPageTests(TestCase):
    def setUp(self) -> None:
        self.client = Client(raise_request_exception=False)

    def test_403_gives_the_reason_and_a_way_on(self) -> None:
        answer = self.client.get("/refuse/")
        self.assertContains(answer, "may not build releases", status_code=403)
        self.assertContains(answer, "?next=/refuse/", status_code=403)
        self.client.force_login(make_user("ada"))
        self.assertContains(self.client.get("/refuse-silently/"), "signed in as <strong>ada</strong>", status_code=403)

    def test_404_never_shows_what_django_calls_things(self) -> None:
        answer = self.client.get("/nothing/")
        self.assertContains(answer, "There is nothing at this address", status_code=404)
        self.assertNotContains(answer, "Resolver404", status_code=404)

    def test_404_gives_the_reason_where_there_is_one(self) -> None:
        self.client.force_login(make_user())
        answer = self.client.get("/jobs/6f1e8f0e-0000-4000-8000-000000000000/")
        self.assertContains(answer, "There is no such job", status_code=404)

    def test_400_says_that_nothing_was_changed(self) -> None:
        self.assertContains(self.client.get("/malformed/"), "Nothing was changed", status_code=400)

    def test_an_address_with_a_nul_is_refused_before_a_database_chokes_on_it(self) -> None:
        self.client.force_login(make_staff())
        for address, status in (("/accounts/roles/?name=a%00", 400), ("/accounts/roles/a%00/", 404)):
            answer = self.client.get(address)
            self.assertEqual(answer.status_code, status)
            self.assertIn("default-src 'none'", answer["Content-Security-Policy"])
        for address, status in (("/api/audit?object=core.user:%00", 400), ("/api/releases/a%00/v1", 404)):
            with override_settings(ROOT_URLCONF="config.urls"):
                answer = self.client.get(address)
            self.assertEqual((answer.status_code, list(answer.json())), (status, ["error"]))
        self.assertEqual(self.client.get("/style/?q=a%2500").status_code, 200)  # a percent sign and digits

    def test_500_needs_no_context_and_tells_no_secret(self) -> None:
        answer = self.client.get("/broken/")
        self.assertContains(answer, "Something broke on our side", status_code=500)
        self.assertNotContains(answer, "secret detail", status_code=500)
        self.assertIn("Something broke", render_to_string("500.html"))

    def test_a_form_without_its_token_is_told_plainly(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        answer = strict.post(reverse("core:theme"), {"theme": "dark"})
        self.assertContains(answer, "The form had expired", status_code=403)


class StaticFileTests(SimpleTestCase):
    def test_scripts_evaluate_no_text_and_write_no_markup(self) -> None:
        for script in (Path(settings.BASE_DIR) / "static" / "js").glob("*.js"):
            found = re.findall(
                r"\beval\(|new Function|innerHTML|outerHTML|document\.write|insertAdjacentHTML", script.read_text()
            )
            self.assertEqual(found, [], script.name)

    def test_the_logo_and_the_favicon_are_plain_drawings(self) -> None:
        for name in ("logo.svg", "favicon.svg"):
            text = (Path(settings.BASE_DIR) / "static" / "icons" / name).read_text()
            self.assertNotRegex(text, r"<style|<script|style=|href=")
