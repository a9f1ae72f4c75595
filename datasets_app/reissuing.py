"""The part of the purge that comes first: issue again what waits for it, so that nothing has to be served that must go."""

from django.db import transaction

from core.jobs import JobContext, JobTakenOver
from core.permissions import SYSTEM
from datasets_app import figures, purging
from datasets_app.models import Release
from datasets_app.pipeline.executors import Executor
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.reissue import ReissueSpec, reissue
from datasets_app.pipeline.release_errors import NothingBlocked, NothingLeft, ReleaseExists
from datasets_app.services import blocklist, reissues, retiring
from datasets_app.states import RELEASE


def issue_waiting(ctx: JobContext, executor: Executor) -> None:
    """Make every re-issue that was begun, and put each into the place of its original.

    Raises:
        PipelineError: One could not be made; it counts as failed, and its original stays, unserved.
    """
    for waiting in Release.objects.filter(state="building", reissue_of__isnull=False).order_by("pk"):
        _issue(ctx, waiting, executor)


def _issue(ctx: JobContext, made: Release, executor: Executor) -> None:
    original = made.parent
    assert original is not None
    if original.state != "published":
        ctx.log(f"{original} is {original.state}: it is not issued again.")
        RELEASE.move(made, "failed")
        return
    try:
        written = _write(ctx, made, original, executor)
    except NothingBlocked:
        ctx.log(f"{original} holds nothing of what is blocked any more: it stays as it is.")
        made.delete()
        return
    except NothingLeft:
        ctx.log(f"{original} holds nothing but what is blocked: it is withdrawn.")
        with transaction.atomic():
            RELEASE.move(made, "failed")
            retiring.withdraw(original, SYSTEM, f"{reissues.HELD} Nothing else was in it.")
        return
    except ReleaseExists:
        # An earlier attempt committed its files and died, and more was blocked since: that version is not used.
        with transaction.atomic():
            RELEASE.move(made, "failed")
            again = reissues.begin(original, SYSTEM)
            reissues.given_to(ctx.job, [again])
        _issue(ctx, again, executor)
        return
    except JobTakenOver:
        raise
    except BaseException:
        RELEASE.move(made, "failed")
        raise
    ctx.log(
        f"{original} was issued again as {made.version}: {original.files - written.rows} of {original.files} files went."
    )


def _write(ctx: JobContext, made: Release, original: Release, executor: Executor) -> Manifest:
    # The position first: what is added between the two lines is then honoured, and counted as not yet honoured.
    position = blocklist.position()
    blocks = blocklist.blocks()
    spec = ReissueSpec(made.name, original.version, made.version, blocks, position)
    root = purging.releases_folder()
    written = reissue(purging.corpus_folder(), root, spec, progress=ctx.progress, executor=executor)
    rows = figures.holdings(written)
    ctx.progress("taking the place", 0, 1)
    with transaction.atomic():
        figures.take_over(made, written, rows, figures.funnel(written))
        reissues.take_its_place(made, original, SYSTEM)
    ctx.progress("taking the place", 1, 1)
    return written
