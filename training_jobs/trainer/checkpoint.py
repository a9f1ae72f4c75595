"""Checkpoints: everything that a run needs to go on as if it had not been stopped. Safetensors and JSON, no pickle.

``checkpoints/step-00000040/`` holds the model as transformers keeps it, and beside it ``trainer_state.json`` and
``trainer_state.safetensors``: optimizer, random generators, step, data cursor. A folder gets its name when it is whole.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from .durable import TEMPORARY, commit_folder, fresh_folder, writing
from .errors import BadCheckpoint, CheckpointFailed
from .tokenizer import TOKENIZER_FILES

_NAME = re.compile(r"step-(\d{8,})")


def steps(folder: Path) -> dict[int, Path]:
    """The whole checkpoints of a run, by step, oldest first."""
    found = {int(match[1]): path for path in folder.glob("step-*") if (match := _NAME.fullmatch(path.name))}
    return dict(sorted(found.items()))


def save(
    folder: Path, step: int, *, model: Any, tokenizer_dir: Path, optimizer: Any, facts: dict[str, Any], keep_last: int
) -> Path:
    """Write the checkpoint of a step, then delete all but the newest ``keep_last``; gives its folder.

    Raises:
        CheckpointFailed: The disk is full or refuses; the checkpoints before are untouched.
    """
    target = folder / f"step-{step:08d}"
    held = steps(folder)
    advice = f"the run goes on from step {max(held)}" if held else "no checkpoint was written before it"
    advice += " when it is started again; make room first"
    with writing(f"{target}: the checkpoint", CheckpointFailed, advice):
        try:
            temporary = fresh_folder(target)
            write_model(temporary, model, tokenizer_dir)
            _write_state(temporary, optimizer, facts)
            commit_folder(temporary, target)
        except BaseException:
            shutil.rmtree(target.with_name(f"{TEMPORARY}{target.name}"), ignore_errors=True)
            raise
        for old in list(steps(folder).values())[:-keep_last]:
            # By a rename first: a folder that is half deleted must not look like a checkpoint.
            doomed = old.with_name(f"{TEMPORARY}{old.name}")
            old.rename(doomed)
            shutil.rmtree(doomed)
    return target


def write_model(folder: Path, model: Any, tokenizer_dir: Path) -> None:
    """Write a model and its tokenizer as ``from_pretrained`` reads them."""
    with _refusals_as_os_errors():
        model.save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (tokenizer_dir / name).is_file():
            shutil.copyfile(tokenizer_dir / name, folder / name)


def restore(checkpoint: Path, optimizer: Any) -> dict[str, Any]:
    """Give the optimizer and the random generators their state back; gives the facts that were saved.

    Raises:
        BadCheckpoint: The state is damaged.
    """
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        tensors = load_file(checkpoint / "trainer_state.safetensors")
        groups = [group | {"betas": tuple(group["betas"])} for group in state["optimizer_groups"]]
        optimizer.load_state_dict({"state": _nested(tensors), "param_groups": groups})
        _restore_generators(state["generators"], tensors)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise BadCheckpoint(
            f"{checkpoint}: cannot be read ({error}); delete the folder to go on from the checkpoint before it"
        ) from error
    facts: dict[str, Any] = state["facts"]
    return facts


def facts_of(checkpoint: Path) -> dict[str, Any]:
    """The facts that were saved with a checkpoint.

    Raises:
        BadCheckpoint: They are damaged.
    """
    try:
        facts: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))["facts"]
    except (OSError, ValueError, KeyError) as error:
        raise BadCheckpoint(
            f"{checkpoint}: cannot be read ({error}); delete the folder to go on from the checkpoint before it"
        ) from error
    return facts


def _write_state(folder: Path, optimizer: Any, facts: dict[str, Any]) -> None:
    kept = optimizer.state_dict()
    tensors = {
        f"optimizer.{place}.{name}": value.detach().cpu().contiguous()
        for place, entry in kept["state"].items()
        for name, value in entry.items()
    }
    generators, generator_tensors = _generators()
    with _refusals_as_os_errors():
        save_file(tensors | generator_tensors, folder / "trainer_state.safetensors")
    state = {"facts": facts, "optimizer_groups": kept["param_groups"], "generators": generators}
    (folder / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")


@contextmanager
def _refusals_as_os_errors() -> Iterator[None]:
    """Let a full disk look the same whether Python or safetensors meets it."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _nested(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    entries: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            place, _, name = rest.partition(".")
            entries.setdefault(int(place), {})[name] = value
    return entries


def _generators() -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    version, numbers, gauss = random.getstate()
    drawn = np.random.get_state(legacy=False)
    state = {
        "python": [version, list(numbers), gauss],
        "numpy": drawn | {"state": {"key": drawn["state"]["key"].tolist(), "pos": drawn["state"]["pos"]}},
    }
    tensors = {"generator.torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["generator.cuda"] = torch.cuda.get_rng_state()
    return state, tensors


def _restore_generators(state: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    drawn = state["numpy"]
    key = np.array(drawn["state"]["key"], dtype=np.uint32)
    np.random.set_state(drawn | {"state": {"key": key, "pos": drawn["state"]["pos"]}})
    torch.set_rng_state(tensors["generator.torch"])
    if "generator.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["generator.cuda"])
