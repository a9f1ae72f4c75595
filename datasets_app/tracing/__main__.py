"""The engine's own command line: ``python -m datasets_app.tracing <command>``.

Results go to standard output as JSON, progress and errors to standard error. It ends with 0 if all is well, 1 if something
expected went wrong, 2 on a wrong command line.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from datasets_app.pipeline.format import manifest_path
from datasets_app.tracing.question import BadQuestion
from datasets_app.tracing.shard_index import IndexDamaged, ShardIndex, ShardTooLarge, index_path, index_shard
from datasets_app.tracing.spans import Span, trace

FACTS = ["repository_key", "path", "licence", "blob_id"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m datasets_app.tracing", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    build = commands.add_parser("build", help="Make the trace indexes of a release's shards, those that are missing.")
    build.set_defaults(run=_build)
    build.add_argument("--workers", type=int, default=1, help="processes")
    ask = commands.add_parser("trace", help="Find all spans of a text.")
    ask.set_defaults(run=_trace)
    ask.add_argument("--text", type=Path, help="a file; without one, standard input")
    ask.add_argument("--least", type=int, default=50, help="characters of a span")
    ask.add_argument("--cap", type=int, default=64, help="places of a window that are looked at in a shard; 0 for all")
    ask.add_argument("--most", type=int, default=20, help="files of a span that are listed")
    for sub in (build, ask):
        sub.add_argument("--releases", type=Path, required=True, help="the folder of the releases")
        sub.add_argument("--indexes", type=Path, required=True, help="the folder of the trace indexes")
        sub.add_argument("name", help="of the data set")
        sub.add_argument("version", help="of the release")
    return parser


def _digests(options: argparse.Namespace) -> list[str]:
    manifest = json.loads(manifest_path(options.releases, options.name, options.version).read_bytes())
    return [shard["digest"] for shard in manifest["shards"]]


def _build(options: argparse.Namespace) -> int:
    specs = [{"digest": digest} for digest in _digests(options)]
    one = partial(index_shard, str(options.releases), str(options.indexes))
    rows = size = 0
    with ExitStack() as stack:
        each = stack.enter_context(ProcessPoolExecutor(options.workers)).map if options.workers > 1 else map
        for done, made in enumerate(each(one, specs), 1):
            rows, size = rows + made["rows"], size + made["bytes"]
            print(f"indexing for tracing: {done}/{len(specs)}", file=sys.stderr)
    print(json.dumps({"shards": len(specs), "rows": rows, "bytes": size}))
    return 0


def _trace(options: argparse.Namespace) -> int:
    text = options.text.read_bytes() if options.text else sys.stdin.buffer.read()
    indexes = [ShardIndex.open(index_path(options.indexes, digest)) for digest in _digests(options)]
    found = trace(text.decode(), indexes, least=options.least, cap=options.cap or None)
    print(json.dumps([_told(span, options.most) for span in found.spans], indent=1, ensure_ascii=False))
    return 0


def _told(span: Span, most: int) -> dict[str, Any]:
    told = {name: getattr(span, name) for name in ("start", "end", "form", "files", "at_least")}
    return told | {
        "matches": [
            {name: match.index.facts(match.row)[name] for name in FACTS} | match.place._asdict()
            for match in span.matches[:most]
        ]
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UnicodeDecodeError as error:
        print(f"error: The text is not UTF-8: {error}", file=sys.stderr)
    except FileNotFoundError as error:
        print(
            f"error: {error.filename} is not there: is the release published, and are its indexes built?",
            file=sys.stderr,
        )
    except (BadQuestion, IndexDamaged, ShardTooLarge) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
