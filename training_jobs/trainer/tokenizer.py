"""Byte-level BPE by StarCoder's rules (arXiv 2305.06161, section 5.1), kept as the files that transformers reads."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from datasets_app.pipeline.progress import Progress, silent

from . import shard_text
from .durable import commit_folder, fresh_folder, writing
from .errors import BadTokenizer

END_OF_TEXT = "<|endoftext|>"
FIM_PREFIX, FIM_MIDDLE, FIM_SUFFIX = "<fim_prefix>", "<fim_middle>", "<fim_suffix>"
# In their published order: ids 0 to 18.
SPECIAL_TOKENS = (
    END_OF_TEXT,
    FIM_PREFIX,
    FIM_MIDDLE,
    FIM_SUFFIX,
    "<fim_pad>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<empty_output>",
    "<commit_before>",
    "<commit_msg>",
    "<commit_after>",
    "<reponame>",
)
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_STAGE = "training the tokenizer"


def train_tokenizer(
    shards: list[Path],
    out: Path,
    vocab_size: int,
    sample_bytes: int,
    progress: Progress = silent,
) -> Path:
    """Learn a tokenizer from a sample of a release; gives the folder ``out``, which holds ``TOKENIZER_FILES``.

    The same shards give the same tokenizer. A small sample gives fewer entries than ``vocab_size``.

    Raises:
        TrainerError: A shard is unreadable, there is no text, or ``out`` exists already.
    """
    if out.exists():
        raise BadTokenizer(f"{out}: exists already; name another folder or delete it")
    selection = shard_text.select(shards, sample_bytes)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    _learn(tokenizer, trainer, selection, progress)
    with writing(f"{out}: the tokenizer"):
        temporary = fresh_folder(out)
        _write(tokenizer, temporary)
        commit_folder(temporary, out)
    return out


def _learn(tokenizer: Any, trainer: Any, selection: shard_text.Selection, progress: Progress) -> None:
    """Train in a thread, so that progress is told (and may cancel) while the merges are counted."""
    read = 0
    cancelled = threading.Event()
    failure: list[BaseException] = []

    def texts() -> Iterator[str]:
        nonlocal read
        for document in shard_text.documents(selection):
            if cancelled.is_set():
                return
            read += 1
            yield document.text

    def work() -> None:
        try:
            tokenizer.train_from_iterator(texts(), trainer=trainer)
        except BaseException as error:  # handed to the caller's thread, which raises it
            failure.append(error)

    worker = threading.Thread(target=work, name="train-tokenizer", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            progress(_STAGE, min(read, selection.documents), selection.documents)
            worker.join(timeout=0.3)
    except BaseException:
        cancelled.set()
        raise
    if failure:
        raise failure[0]
    progress(_STAGE, selection.documents, selection.documents)


def _write(tokenizer: Any, folder: Path) -> None:
    facts = json.loads(tokenizer.to_str())
    # Merges as "a b", for readers of before tokenizers 0.20 (editors' language servers pin 0.15). No entry holds a
    # space: the byte-level alphabet writes it otherwise.
    facts["model"]["merges"] = [" ".join(pair) for pair in facts["model"]["merges"]]
    texts = {
        "tokenizer.json": facts,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "unk_token": END_OF_TEXT,
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,
        },
        "special_tokens_map.json": {
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "unk_token": END_OF_TEXT,
            "additional_special_tokens": list(SPECIAL_TOKENS),
        },
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
