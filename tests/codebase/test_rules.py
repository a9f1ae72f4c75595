"""Rules about the codebase itself."""

import ast
import json
import re
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command, get_commands
from django.test import SimpleTestCase, TestCase

from config.api import api
from core import stores

FLOORS = ("core", "datasets_app", "modelzoo", "training_jobs", "portal")
ENGINES = ("datasets_app/pipeline", "training_jobs/trainer")
WEB = {"django", "celery", "ninja", "core", "portal", "modelzoo", "config"}


def imported_roots(path: Path) -> set[str]:
    """The first names of all modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


class RuleTests(SimpleTestCase):
    def test_imports_go_down_only_and_config_is_imported_by_none(self) -> None:
        for floor, name in enumerate(FLOORS):
            above = {*FLOORS[floor + 1 :], "config", "tests"}
            for path in (settings.BASE_DIR / name).rglob("*.py"):
                self.assertEqual(imported_roots(path) & above, set(), path)

    def test_the_engines_know_no_web(self) -> None:
        for engine in ENGINES:
            for path in (settings.BASE_DIR / engine).rglob("*.py"):
                allowed = (
                    {"core"} if path.match("pipeline/merkle.py") else set()
                )  # core.merkle alone: see tests/core/test_merkle.py
                self.assertEqual(imported_roots(path) & (WEB - allowed), set(), path)

    def test_every_command_of_ours_has_a_test(self) -> None:
        ours = {name for name, app in get_commands().items() if app in FLOORS}
        tests = "\n".join(path.read_text() for path in (settings.BASE_DIR / "tests").rglob("test_*.py"))
        untested = {name for name in ours if not re.search(rf"[\"']{name}[\"']", tests)}
        self.assertEqual(untested, set())

    def test_every_module_says_what_it_is(self) -> None:
        for floor in (*FLOORS, "config"):
            for path in (settings.BASE_DIR / floor).rglob("*.py"):
                if "migrations" in path.parts or not path.read_text().strip():
                    continue
                self.assertTrue(ast.get_docstring(ast.parse(path.read_text())), path)

    def test_the_committed_api_schema_is_current(self) -> None:
        """To renew it: ``manage.py export_openapi_schema --api config.api.api --indent 1 --output docs/openapi.json``."""
        committed = json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text())
        self.assertEqual(json.loads(json.dumps(api.get_openapi_schema())), committed)

    def test_the_api_schema_is_one_that_tools_can_read(self) -> None:
        schema = api.get_openapi_schema()
        self.assertTrue(schema["openapi"].startswith("3."))
        names = [
            operation["operationId"] for path in schema["paths"].values() for operation in path.values() if operation
        ]
        self.assertEqual(len(names), len(set(names)))
        known = set(schema["components"]["schemas"])
        for reference in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema)):
            self.assertIn(reference, known)

    def test_every_folder_that_the_design_names_has_its_store(self) -> None:
        owned = {folder for store in stores.all_stores() for folder in store.folders}
        self.assertLessEqual({"corpus", "releases", "indexes", "tokens", "runs", "zoo", "tmp"}, owned)

    def test_requirements_are_pinned_exactly(self) -> None:
        for name in ("runtime", "dev", "whoosh", "ray"):
            for line in (settings.BASE_DIR / "requirements" / f"{name}.txt").read_text().splitlines():
                if line and not line.startswith("#"):
                    self.assertRegex(line, r"^[\w.\-\[\],]+==\S+")


class MigrationTests(TestCase):
    def test_no_migration_is_missing(self) -> None:
        call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())
