"""A small release that is traced: built once a class, from made-up packages, by the real engine."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.test import TestCase, override_settings

from core.jobs import execute_here
from core.models import Job, User
from datasets_app.models import Owner, Release
from datasets_app.services import releases, sources
from datasets_app.tracer import service
from datasets_app.tracer.indexes import VERBATIM
from tests.base import make_staff
from tests.pipeline.fakes import FakePackage, default_packages, make_site_packages

HEADER = "# Copyright (c) 2021 Alpha Authors <alpha@example.org>\n# All rights reserved, as the licence says.\n\n"
LONG = "".join(f"def step_{number}(value_{number}):\n    return value_{number} * {number}\n\n" for number in range(12))
COMMON = "THIS_LINE_STANDS_IN_VERY_MANY_FILES = 'and so it says little of where it came from'\n"
ALPHA = HEADER + LONG
BETA = "import math\n\n\nclass Beta:\n" + "".join(f"    {line}\n" if line else "\n" for line in LONG.split("\n"))
WIDE = "BANNER = '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝔠𝔬𝔲𝔫𝔱𝔰 𝔱𝔴𝔬 𝔲𝔫𝔦𝔱𝔰 𝔦𝔫 𝔢𝔡𝔦𝔱𝔬𝔯𝔰 𝔞𝔫𝔡 𝔬𝔫𝔢 𝔥𝔢𝔯𝔢'\n"


def packages() -> list[FakePackage]:
    """Alpha's long file; beta's, with the same code indented anew; and one with a line that many files share."""
    found = default_packages()
    found[1].files["alpha_two/long.py"] = ALPHA
    found[2].files["beta/long.py"] = BETA
    found[2].files["beta/wide.py"] = WIDE
    for number in range(service.COMMON + 2):
        found[0].files[f"alpha_one/many_{number}.py"] = f"NUMBER_{number} = {number}\n{COMMON}"
    return found


def index() -> Job:
    """Have what is missing indexed, here."""
    VERBATIM.ask()
    job = Job.objects.filter(kind=VERBATIM.job).latest("created_at")
    if job.state == "queued":
        execute_here(job)
    job.refresh_from_db()
    assert job.state == "succeeded", job.error + job.crash
    return job


class TracedRelease(TestCase):
    """``cls.release``, published and indexed, in a data folder of the class; what a test changes in the database is taken back."""

    data: Path
    staff: User
    release: Release

    @classmethod
    def setUpClass(cls) -> None:
        cls.data = Path(tempfile.mkdtemp(prefix="fairstack-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.data, ignore_errors=True)
        kept = cls.data / "outside"
        overridden = override_settings(
            FAIRSTACK_DATA=cls.data / "var", FAIRSTACK_UNDO_KEYS=kept / "undo", FAIRSTACK_JOURNAL=kept / "journal"
        )
        overridden.enable()
        cls.addClassCleanup(overridden.disable)
        super().setUpClass()

    @classmethod
    def setUpTestData(cls) -> None:
        cls.staff = make_staff()
        root = cls.data / "site-packages"
        root.mkdir()
        make_site_packages(root, packages())
        sources.add_source(cls.staff, "fakes", "installed-packages", {"paths": [str(root)]})
        assert execute_here(sources.start_ingest(cls.staff, "fakes")).state == "succeeded"
        cls.release = releases.start_build(cls.staff, recipe={"name": "demo", "near_duplicates": "off"})
        assert cls.release.job is not None
        execute_here(cls.release.job)
        cls.release.refresh_from_db()
        releases.approve(cls.release, cls.staff)
        releases.publish(cls.release, cls.staff)
        cls.release.refresh_from_db()
        index()

    def owner(self, login: str) -> Owner:
        return Owner.objects.get(login_folded=login)

    def sources_of(self, traced: service.Traced) -> set[tuple[str, str]]:
        return {(one.owner, one.path) for span in traced.spans for one in span.sources}

    def ask(self, address: str, **fields: Any) -> Any:
        return self.client.post(address, fields, content_type="application/json")
