"""How well personal data and secrets are found, and how much cheaper secrets are than with detect-secrets on whole files.

    .venv/bin/python benchmarks/pii.py --quick

The planted set is that of ``pii_set.py``: the figures are this set's alone and are not to be set beside published ones. A match is
one of the same kind that overlaps by more than 80% both ways. The pairs for the ratio are interleaved: each takes other files,
which detect-secrets scans as files by its documented means, with the same plugins and filters, and the pipeline as bytes. CPU
seconds count.
"""

import argparse
import json
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from detect_secrets import SecretsCollection
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.settings import transient_settings

from benchmarks.pii_set import Planted, planted_people, planted_secrets, planted_set, real_files
from datasets_app.pipeline.pii.detect import detect
from datasets_app.pipeline.pii.model import KINDS as KINDS_OF_MODEL
from datasets_app.pipeline.pii.model import TokenClassifier
from datasets_app.pipeline.pii.secret_filters import keys
from datasets_app.pipeline.pii.secret_lines import FILTERS
from datasets_app.pipeline.pii.secrets import ALL_PLUGINS, Secret, SecretScanner, gate_of
from datasets_app.pipeline.pii.spans import KINDS, NAME, USERNAME, Span
from datasets_app.pipeline.pii.train_model import TinyModel, background, train

OVERLAP = 0.8
SEED = 20260512


def measure_pii(quick: bool) -> dict[str, float]:
    """F1 of each kind on the planted set; prints the table."""
    planted = planted_set(600 if quick else 6000)
    print(f"planted set: {len(planted)} files, {sum(len(one.spans) for one in planted)} spans")
    print(f"{'kind':<12}{'planted':>9}{'found':>8}{'right':>8}{'precision':>11}{'recall':>8}{'F1':>8}")
    found = [detect(one.content) for one in planted]
    figures = {kind: _f1(planted, found, kind) for kind in KINDS if kind not in (NAME, USERNAME)}
    print("(passwords: those in URLs alone, the rest takes a model)")
    return {
        "pii_f1_email": round(figures["EMAIL"], 3),
        "pii_f1_ip": round(figures["IP_ADDRESS"], 3),
        "pii_f1_key": round(figures["KEY"], 3),
    }


def _f1(planted: Sequence[Planted], found: Sequence[Sequence[Span]], kind: str) -> float:
    """The F1 of one kind; prints its row."""
    wanted = sum(span[2] == kind for one in planted for span in one.spans)
    told = sum(span.kind == kind for spans in found for span in spans)
    right = sum(_right(one, spans, kind) for one, spans in zip(planted, found, strict=True))
    precision, recall = right / max(told, 1), right / max(wanted, 1)
    f1 = 2 * right / max(told + wanted, 1)
    print(f"{kind:<12}{wanted:>9}{told:>8}{right:>8}{precision:>11.3f}{recall:>8.3f}{f1:>8.3f}")
    return f1


def measure_model(quick: bool) -> dict[str, float]:
    """F1 of what the tiny model finds, trained here on its made-up examples; prints the table.

    What is planted comes from Faker and lines of ``pii_set.py``, not from the generators of the training. Names that real files
    hold are not known, so any that is found counts as wrong: precision is a lower bound.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        train(Path(folder), TinyModel(), code=background(Path(sysconfig.get_paths()["stdlib"])))
        model = TokenClassifier(Path(folder))
        planted = planted_people(60 if quick else 600)
        found = [model.spans(one.content) for one in planted]
    print(f"\ntiny model, {len(planted)} files, trained and run in {time.process_time() - began:.0f} CPU-s")
    print(f"{'kind':<12}{'planted':>9}{'found':>8}{'right':>8}{'precision':>11}{'recall':>8}{'F1':>8}")
    return {f"pii_f1_{kind.lower()}": round(_f1(planted, found, kind), 3) for kind in KINDS_OF_MODEL}


def _right(one: Planted, spans: Sequence[tuple[int, int, str]], kind: str) -> int:
    """How many planted spans of a kind were found, each by a span of its own."""
    free = [span for span in spans if span[2] == kind]
    right = 0
    for start, end, what in one.spans:
        if what != kind:
            continue
        for span in free:
            shared = min(end, span[1]) - max(start, span[0])
            if shared > OVERLAP * (end - start) and shared > OVERLAP * (span[1] - span[0]):
                free.remove(span)
                right += 1
                break
    return right


def measure_secrets(files: Sequence[bytes], pairs: int) -> dict[str, float]:
    """How many times as long detect-secrets takes on whole files, and the share of what it finds that the pipeline finds.

    Args:
        files: Real texts; every pair takes as many of them. Texts with secrets of every plugin are added for the recall.
        pairs: How often to measure; the ratio is the median.
    """
    scanner = SecretScanner(ALL_PLUGINS)
    gate = gate_of(scanner)

    def ours(content: bytes) -> list[Secret]:
        return scanner.scan(content, gate.ends(content), gate.ends)

    list(keys(b"key = '0123456789abcdefabcd'", ours(b"key = '0123456789abcdefabcd'")))  # models and patterns are loaded
    share = len(files) // pairs
    ratios = []
    total = missed = 0
    print(f"{'files':>7}{'MB':>8}{'detect-secrets s':>18}{'ours s':>9}{'ratio':>8}{'found':>7}{'missed':>8}")
    for number in range(pairs + 1):
        planted = number == pairs
        part = planted_secrets() if planted else files[number * share : (number + 1) * share]
        expected, theirs = _on_whole_files(part)
        start = time.process_time()
        secrets = [ours(content) for content in part]
        for content, one in zip(part, secrets, strict=True):
            list(keys(content, one))
        cpu = time.process_time() - start
        lost = sum(
            not any(_holds(content, secret, plugin, value) for secret in one)
            for content, one, wanted in zip(part, secrets, expected, strict=True)
            for plugin, value in wanted
        )
        found = sum(map(len, expected))
        total, missed = total + found, missed + lost
        note = "  planted" if planted else ""
        size = sum(map(len, part)) / 1e6
        print(f"{len(part):>7}{size:>8.2f}{theirs:>18.2f}{cpu:>9.3f}{theirs / cpu:>8.0f}{found:>7}{lost:>8}{note}")
        if planted:
            covered = {plugin for wanted in expected for plugin, _ in wanted}
            print(f"plugins of which something was found: {len(covered)} of {len(ALL_PLUGINS)}")
            if covered != set(ALL_PLUGINS):
                raise SystemExit(f"nothing is planted for {sorted(set(ALL_PLUGINS) - covered)}")
        else:
            ratios.append(theirs / cpu)
    return {
        "secrets_vs_detect_secrets": round(statistics.median(ratios), 1),
        "secrets_recall": 1 - missed / total,
    }


def _holds(content: bytes, secret: Secret, plugin: str, value: str) -> bool:
    text = content[secret.start : secret.end].decode()
    return secret.plugin == plugin and value.replace('\\"', '"') in text.replace('\\"', '"')


def _on_whole_files(contents: Sequence[bytes]) -> tuple[list[set[tuple[str, str]]], float]:
    """What detect-secrets finds in each text, (plugin, value), and the CPU seconds it took."""
    config = {
        "plugins_used": [{"name": name} for name in ALL_PLUGINS],
        "filters_used": [{"path": f"detect_secrets.filters.heuristic.{name}"} for name in FILTERS],
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.txt") for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        start = time.process_time()
        collections = []
        with transient_settings(config):
            for path in paths:
                secrets = SecretsCollection()
                secrets.scan_file(str(path))
                collections.append(secrets)
        cpu = time.process_time() - start
    names = {
        one.secret_type: name.__name__ for name in get_mapping_from_secret_type_to_class().values() for one in (name,)
    }
    return [{(names[secret.type], secret.secret_value or "") for _, secret in one} for one in collections], cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the files: about three minutes")
    options = parser.parse_args()
    figures = measure_pii(options.quick)
    figures |= measure_model(options.quick)
    figures |= measure_secrets(real_files(500 if options.quick else 5000, SEED), pairs=5)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
