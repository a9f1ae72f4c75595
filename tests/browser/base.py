"""A real browser against a real server: Playwright drives Debian's Chromium.

``manage.py test --exclude-tag browser`` leaves these tests out where there is no Chromium.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.test import tag
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

# Playwright's synchronous API runs an event loop in this thread, and Django would refuse the database here. Nothing in these tests
# touches the database while that loop runs code of ours.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = Path(__file__).parent / "shots"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PASSWORD = "correct horse battery"
CHECK_OVERFLOW = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return "";
  const guilty = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
  return `${wide} px too wide: ` + guilty.slice(0, 5).map((e) => `${e.tagName}.${e.getAttribute("class")}`).join(", ");
}"""


@tag("browser")
class BrowserTestCase(StaticLiveServerTestCase):
    """Gives ``self.open(path)`` and fails a test whose pages wrote an error to the console: a script's, a missing file's or a
    violation of the content security policy."""

    playwright: ClassVar[Playwright]
    browser: ClassVar[Browser]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self) -> None:
        super().setUp()
        self.console_errors: list[str] = []
        self.context = self.make_context()
        self.page = self.context.new_page()
        self.watch(self.page)

    def tearDown(self) -> None:
        # Leave the server's pages first, so that no request is under way while the tables are emptied.
        self.context.close()
        super().tearDown()
        self.assertEqual(self.console_errors, [], "the browser's console has errors")

    def make_context(
        self, *, size: dict[str, int] = DESKTOP, dark: bool = False, scripts: bool = True
    ) -> BrowserContext:
        """A fresh browser profile."""
        context = self.browser.new_context(
            base_url=self.live_server_url,
            viewport=size,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        context.set_default_timeout(10_000)
        return context

    def watch(self, page: Page) -> None:
        """Note what the page writes to the console as an error, and what it throws."""

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.console_errors.append(f"{page.url}: {message.text}")

        page.on("console", note)
        page.on("pageerror", lambda error: self.console_errors.append(f"{page.url}: {error}"))

    @contextmanager
    def expect_refusals(self) -> Iterator[None]:
        """Within, an answer of 4xx or 5xx is meant, and Chromium's line about it on the console no error."""
        yield
        self.console_errors = [text for text in self.console_errors if "Failed to load resource" not in text]

    def open(self, path: str) -> Page:
        """Go to a path of the site."""
        self.page.goto(path)
        return self.page

    def sign_in(self, name: str, password: str = PASSWORD, page: Page | None = None) -> None:
        """Sign in through the form."""
        page = page or self.page
        page.goto("/accounts/sign-in/?next=/accounts/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(lambda url: "sign-in" not in url)

    def assert_no_overflow(self, page: Page | None = None) -> None:
        """The page does not scroll sideways; what is wide scrolls in its own container."""
        self.assertEqual((page or self.page).evaluate(CHECK_OVERFLOW), "")

    def shoot(self, name: str, path: str) -> None:
        """Pictures of a path at both widths in both themes, in ``tests/browser/shots/``, each checked for overflow.

        The visitor is the one of ``self.page``: its cookies are taken along.
        """
        SHOTS.mkdir(exist_ok=True)
        context = self.make_context()
        context.add_cookies(self.context.storage_state()["cookies"])  # type: ignore[arg-type]
        page = context.new_page()
        self.watch(page)
        page.goto(path)
        page.evaluate("() => document.fonts.ready.then(() => true)")
        for width, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
                page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png", full_page=True)
                with self.subTest(page=name, width=width, theme=theme):
                    self.assert_no_overflow(page)
        context.close()
