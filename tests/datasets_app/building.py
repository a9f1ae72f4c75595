"""A program for tests: builds a release with shard workers: ``python -m tests.datasets_app.building <corpus> <releases>``."""

import sys
from pathlib import Path


def main(corpus: str, releases: str) -> None:
    import django

    django.setup()
    from datasets_app import shard_workers
    from datasets_app.pipeline.build import build
    from tests.datasets_app.test_shard_workers import SPEC

    build(Path(corpus), Path(releases), SPEC, executor=shard_workers.executor())


if __name__ == "__main__":
    main(*sys.argv[1:])
