"""Train a tiny model that finds names, user names and passwords, on made-up code.

    python -m datasets_app.pipeline.pii.train_model var/pii-model

It takes about a minute on two cores. Positions are rotary, so that short examples are enough for long texts. The examples stand
between lines of real code, by default of this Python's standard library, in which nothing is told of: so the model learns what
is none of these. It knows the made-up examples' ways of writing and little more: it is there so that everything around it can
be tried. Put a trained model in the same form in its place. ``benchmarks/pii.py`` measures it.
"""

import argparse
import random
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_app.pipeline.pii.examples import example
from datasets_app.pipeline.pii.model import KINDS
from datasets_app.pipeline.progress import Progress, silent

LABELS = ("O", *(f"{place}-{kind}" for kind in KINDS for place in "BI"))
_IGNORED = -100  # what torch's cross entropy leaves out


@dataclass(frozen=True)
class TinyModel:
    """How to train it.

    Attributes:
        steps: Of the optimiser.
        batch: Examples a step.
        hidden: Width of the encoder, a multiple of 4.
        layers: Of the encoder.
        vocabulary: Tokens of the byte-level BPE.
        learning_rate: At its highest, after a tenth of the steps; then it falls to nothing.
        seed: Of examples and weights.
    """

    steps: int = 500
    batch: int = 8
    hidden: int = 64
    layers: int = 2
    vocabulary: int = 2000
    learning_rate: float = 3e-3
    seed: int = 20230509

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: Says which is wrong.
        """
        for name in ("steps", "batch", "layers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.hidden < 4 or self.hidden % 4:
            raise ValueError(f"hidden must be a multiple of 4, not {self.hidden}")
        if self.vocabulary < 300:
            raise ValueError(
                f"vocabulary must be at least 300 (256 bytes and the special tokens), not {self.vocabulary}"
            )


def background(folder: Path, files: int = 400) -> list[list[str]]:
    """The lines of code files below ``folder``, drawn at random but always the same; tests of Python itself are left out."""
    paths = sorted(
        path
        for path in folder.rglob("*.py")
        if not {"test", "tests", "site-packages", "idlelib"} & {*path.relative_to(folder).parts}
    )
    random.Random(1).shuffle(paths)  # noqa: S311 - examples, not secrets
    texts = [path.read_text(encoding="utf-8", errors="ignore").splitlines(keepends=True) for path in paths[:files]]
    return [lines for lines in texts if lines]


def train(folder: Path, config: TinyModel, progress: Progress = silent, code: Sequence[list[str]] = ()) -> float:
    """Train on one processor and save model and tokenizer.

    Args:
        folder: Where to put them; made if it is missing.
        config: How.
        code: Files, as lines, between whose lines the examples are put.
        progress: Told of each tenth step.

    Returns:
        The mean loss of the last ten steps (natural logarithm, a token).
    """
    import torch
    from transformers import ModernBertConfig, ModernBertForTokenClassification

    source = random.Random(config.seed)  # noqa: S311  (examples, not secrets)
    torch.manual_seed(config.seed)
    made = [between(source, *example(source), code)[0] for _ in range(2000)]
    tokenizer = _tokenizer(made, config.vocabulary)
    model = ModernBertForTokenClassification(
        ModernBertConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=4,
            intermediate_size=2 * config.hidden,
            max_position_embeddings=1024,
            global_attn_every_n_layers=1,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.cls_token_id,
            eos_token_id=tokenizer.sep_token_id,
            cls_token_id=tokenizer.cls_token_id,
            sep_token_id=tokenizer.sep_token_id,
            id2label=dict(enumerate(LABELS)),
            label2id={label: number for number, label in enumerate(LABELS)},
        )
    ).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    warm_up = max(1, config.steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm_up, (config.steps - step) / config.steps)
    )
    losses: list[float] = []
    for step in range(config.steps):
        batch = [
            between(source, *example(source, source.randrange(0 if code else 1, 5)), code) for _ in range(config.batch)
        ]
        inputs = tokenizer(
            [text for text, _ in batch], return_offsets_mapping=True, padding=True, truncation=True, return_tensors="pt"
        )
        offsets = inputs.pop("offset_mapping").tolist()
        labels = [_labels(places, rows) for (_, places), rows in zip(batch, offsets, strict=True)]
        loss = model(**inputs, labels=torch.tensor(labels)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        if step % 10 == 9:
            progress("training the model", step + 1, config.steps, f"loss {sum(losses[-10:]) / 10:.4f}")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return sum(losses[-10:]) / len(losses[-10:])


def between(
    source: random.Random, text: str, places: list[tuple[int, int, str]], code: Sequence[list[str]]
) -> tuple[str, list[tuple[int, int, str]]]:
    """An example with some lines of a file before it and some behind."""
    if not code:
        return text, places
    lines = source.choice(code)
    at = source.randrange(len(lines))
    before, behind = (
        "".join(lines[at : at + source.randrange(12)]),
        "".join(lines[at + 12 : at + 12 + source.randrange(12)]),
    )
    if before and not before.endswith("\n"):
        before += "\n"
    return before + text + behind, [(len(before) + start, len(before) + end, kind) for start, end, kind in places]


def _tokenizer(texts: Sequence[str], vocabulary: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # Punctuation by itself, so that a value never shares a token with the quote before it.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    special = {"pad_token": "<pad>", "cls_token": "<s>", "sep_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special)


def _labels(places: list[tuple[int, int, str]], offsets: list[list[int]]) -> list[int]:
    """The number of each token's label; special tokens and padding are left out."""
    labels = []
    for start, end in offsets:
        if end <= start:
            labels.append(_IGNORED)
            continue
        inside = [place for place in places if start < place[1] and end > place[0]]
        if not inside:
            labels.append(0)
        else:
            place = "B" if start <= inside[0][0] else "I"
            labels.append(LABELS.index(f"{place}-{inside[0][2]}"))
    return labels


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets_app.pipeline.pii.train_model", description="Train a tiny model on made-up code."
    )
    parser.add_argument("folder", type=Path, help="where to put model and tokenizer")
    parser.add_argument("--steps", type=int, default=TinyModel.steps, help="of the optimiser")
    parser.add_argument("--seed", type=int, default=TinyModel.seed, help="of examples and weights")
    parser.add_argument(
        "--code",
        type=Path,
        default=Path(sysconfig.get_paths()["stdlib"]),
        help="a folder of Python files to put the examples into (this Python's standard library)",
    )
    options = parser.parse_args(arguments)
    try:
        config = TinyModel(steps=options.steps, seed=options.seed)
    except ValueError as error:
        parser.error(str(error))

    def tell(stage: str, done: int, total: int, message: str = "") -> None:
        sys.stderr.write(f"{stage}: {done}/{total} {message}\n")

    loss = train(options.folder, config, tell, background(options.code))
    sys.stdout.write(f"{options.folder}: loss {loss:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
