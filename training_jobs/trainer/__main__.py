"""The trainer from a command line: ``python -m training_jobs.trainer tokenizer|prepare|train|sample``.

Exit codes: 0 done; 1 a failure that the message explains; 2 wrong arguments; 3 stopped by a signal, start again to go on.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from .config import PRESETS, TrainConfig
from .errors import Stopped, TrainerError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
    except ValueError as error:
        parser.error(str(error))
    except Stopped as error:
        print(f"\n{error}", file=sys.stderr)
        return 3
    except TrainerError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    return code


class ProgressLine:
    """Progress on standard error: one line that changes on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._stage = ""
        self._told = 0.0

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """See ``pipeline.progress.Progress``."""
        now = time.monotonic()
        if not message and stage == self._stage and now - self._told < (0.1 if self._terminal else 5.0):
            return
        self._stage, self._told = stage, now
        share = f"{100 * done // total:3d}%" if total else "    "
        if self._terminal:
            print(f"\r\x1b[K{share} {stage} {message}", end="\n" if message else "", file=sys.stderr, flush=True)
        else:
            print(f"{share} {stage} {message}".rstrip(), file=sys.stderr, flush=True)


def _tokenizer(options: argparse.Namespace) -> int:
    from .tokenizer import train_tokenizer

    train_tokenizer(_shards(options), options.out, options.vocab_size, options.sample_bytes, ProgressLine())
    print(options.out)
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from .tokens import prepare

    token_file = prepare(_shards(options), options.tokenizer, options.out, ProgressLine(), max_bytes=options.max_bytes)
    print(json.dumps({"folder": str(token_file.folder)} | token_file.meta))
    return 0


def _train(options: argparse.Namespace) -> int:
    config = _config(options)
    shards = _shards(options)
    stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _: stop.append(signum))

    from .train import train

    result = train(
        config,
        release_shards=shards,
        workdir=options.workdir,
        tokenizer_dir=options.tokenizer,
        tokens_dir=options.tokens,
        progress=ProgressLine(),
        on_metrics=_print_metrics if options.metrics else None,
        should_stop=lambda: bool(stop),
    )
    facts = json.loads(result.record.read_text(encoding="utf-8"))["result"]
    print(json.dumps({"checkpoint": str(result.checkpoint)} | facts))
    return 0


def _sample(options: argparse.Namespace) -> int:
    from .encoding import Encoding
    from .measure import sample
    from .model import load_model

    encoding = Encoding(options.model)
    model = load_model(options.model, encoding, context=1)
    positions = model.config.max_position_embeddings
    print(options.prompt + sample(model, encoding, positions, options.tokens, options.seed, options.prompt))
    return 0


def _config(options: argparse.Namespace) -> TrainConfig:
    changes: dict[str, Any] = {}
    for setting in options.set:
        name, found, value = setting.partition("=")
        if not found:
            raise ValueError(f"{setting}: write NAME=VALUE")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    if options.base is not None:
        changes["base"] = options.base
    return TrainConfig.preset(options.preset, **changes)


def _shards(options: argparse.Namespace) -> list[Path]:
    found: list[Path] = []
    for path in options.shards:
        found.extend(sorted(path.rglob("*.parquet")) if path.is_dir() else [path])
    return found


def _print_metrics(step: int, values: dict[str, float]) -> None:
    print(json.dumps({"step": step} | values), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training_jobs.trainer", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    def shards(added: argparse.ArgumentParser) -> None:
        text = "shards of a release, or folders that hold them"
        added.add_argument("--shards", type=Path, nargs="+", required=True, metavar="PATH", help=text)

    added = command("tokenizer", _tokenizer, "Learn a tokenizer from a sample of a release.")
    shards(added)
    added.add_argument("--out", type=Path, required=True, help="folder to make")
    added.add_argument("--vocab-size", type=int, default=8192)
    added.add_argument("--sample-bytes", type=int, default=4_000_000)

    added = command("prepare", _prepare, "Encode a release once, for any number of runs.")
    shards(added)
    added.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json")
    added.add_argument("--out", type=Path, required=True, help="folder that keeps token files")
    added.add_argument("--max-bytes", type=int, help="encode a sample of this size (default: everything)")

    added = command("train", _train, "Train, or go on with the run in the work folder.")
    shards(added)
    added.add_argument("--workdir", type=Path, required=True, help="folder of this run alone")
    added.add_argument("--preset", choices=list(PRESETS), default="demo")
    added.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a field of the preset")
    added.add_argument("--base", type=Path, help="folder of a model to fine-tune")
    added.add_argument("--tokenizer", type=Path, help="tokenizer to use (default: train one)")
    added.add_argument("--tokens", type=Path, help="folder that keeps token files (default: in the work folder)")
    added.add_argument("--metrics", action="store_true", help="print each measurement as a line of JSON")

    added = command("sample", _sample, "Let a model write.")
    added.add_argument("--model", type=Path, required=True, help="model folder")
    added.add_argument("--prompt", default="def ")
    added.add_argument("--tokens", type=int, default=64)
    added.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
