"""How long it takes from the acceptance of an opt-out until the published bytes are without the content, checked independently.

    .venv/bin/python benchmarks/governance_removal.py --quick

A part of ``governance.py``. Everything is real: the packages installed in this Python (with ``--quick`` sixty of them) are ingested, a
release is built, approved and published; an owner of the middle opts out. The clock runs from the reviewer's decision: the next
release is built and published, the old one issued again, everything purged, every published byte read again by the check. It stops when
the request is ``removed``; then the receipt is signed (``removal_receipt_s``, not in ``removal_s``). Jobs run one after the other in
this process, with the engine's threads; a deployment adds the moments until a worker wakes.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.governance_database import throw_away_database  # noqa: E402

PACKAGES = 60  # of the quick run
LARGEST = 30_000_000  # bytes of a package in it


def some_packages(folder: Path) -> Path:
    """A folder of installed packages with copies of some, by name."""
    folder.mkdir()
    taken = 0
    for package in sorted(metadata.distributions(), key=lambda one: one.metadata["Name"].casefold()):
        files = [(file, Path(str(file.locate()))) for file in package.files or ()]
        files = [(file, path) for file, path in files if ".." not in file.parts and path.is_file()]
        if sum(path.stat().st_size for _, path in files) > LARGEST:
            continue
        for file, path in files:
            target = folder / str(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        taken += 1
        if taken == PACKAGES:
            break
    return folder


def run(job) -> float:
    """Run a job here; its seconds."""
    from core.jobs import execute_here

    start = time.perf_counter()
    done = execute_here(job)
    assert done.state == "succeeded", f"{done.kind}: {done.error} {done.crash}"
    return time.perf_counter() - start


def waiting(kind: str):
    """The job of this kind that waits."""
    from core.models import Job

    return Job.objects.filter(kind=kind, state="queued").earliest("created_at")


def measure(quick: bool, folder: Path) -> dict[str, object]:
    """Carry one opt-out through and show where the time goes."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db.models import Sum

    from core.models import User
    from datasets_app.models import Holding
    from datasets_app.services import releases, sources
    from portal.models import OptOutRequest
    from portal.services import decisions, drafts, requests, verification

    call_command("migrate", verbosity=0)
    staff = User.objects.create_superuser("grace", password="correct horse battery")
    owner_of_code = User.objects.create_user("ada", password="correct horse battery")
    params = {"paths": [str(some_packages(folder / "packages"))]} if quick else {}
    sources.add_source(staff, "packages", "installed-packages", params)
    print(f"{'ingest':<28}{run(sources.start_ingest(staff, 'packages')):>8.1f} s")

    def publish(version: str) -> tuple[float, float]:
        release = releases.start_build(staff, version=version)
        built = run(release.job)
        release.refresh_from_db()
        releases.approve(release, staff)
        start = time.perf_counter()
        releases.publish(release, staff)
        return built, time.perf_counter() - start

    print(f"{'first release':<28}{sum(publish('v1.0')):>8.1f} s")
    held = Holding.objects.values("owner__login", "owner__forge").annotate(all=Sum("files")).order_by("all")
    owner = held[len(held) * 3 // 4]
    made = drafts.start(owner_of_code)
    drafts.set_account(made, owner_of_code, owner["owner__login"], owner["owner__forge"])
    drafts.set_scope(made, owner_of_code, OptOutRequest.ACCOUNT)
    request = requests.submit(made, owner_of_code)
    verification.verify_by_hand(request, staff, "benchmark")
    request.refresh_from_db()

    start = time.perf_counter()
    steps = {}
    decisions.accept(request, staff)
    steps["decision"] = time.perf_counter() - start
    steps["build"], steps["publication"] = publish("v1.1")
    steps["re-issue, purge and scan"] = run(waiting("datasets.purge"))
    steps["independent check"] = run(waiting("portal.check_removed"))
    removal = time.perf_counter() - start
    request.refresh_from_db()
    assert request.state == "removed", request.state
    receipt = run(waiting("portal.sign_receipts"))
    request.refresh_from_db()
    assert request.state == "receipted", request.state
    for step, seconds in steps.items():
        print(f"{step:<28}{seconds:>8.1f} s")
    files, total = owner["all"], Holding.objects.filter(release__version="v1.0").aggregate(all=Sum("files"))["all"]
    print(f"{'accepted to removed':<28}{removal:>8.1f} s   {files:,} of {total:,} files left; receipt {receipt:.1f} s")
    return {
        "removal_s": round(removal, 1),
        "removal_corpus_files": total,
        "removal_files": files,
        "removal_check_s": round(steps["independent check"], 1),
        "removal_receipt_s": round(receipt, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some sixty packages, not all that are installed")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fairstack-governance-"))
    try:
        with throw_away_database(folder):
            figures = measure(options.quick, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
