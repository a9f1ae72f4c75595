"""The model: a new GPTBigCode with multi-query attention (arXiv 1911.02150), or one that lies in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import TrainConfig
from .encoding import Encoding
from .errors import BadBase, BadTokenizer

if TYPE_CHECKING:
    import torch

_DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop")


def new_model(config: TrainConfig, encoding: Encoding) -> Any:
    """A GPTBigCode of the config's shape with random weights (torch's generator) for the vocabulary of the tokenizer."""
    from transformers import GPTBigCodeConfig, GPTBigCodeForCausalLM

    _quieten()
    return GPTBigCodeForCausalLM(
        GPTBigCodeConfig(
            vocab_size=encoding.vocab_size,
            n_positions=config.context,
            n_embd=config.hidden,
            n_layer=config.layers,
            n_head=config.heads,
            n_inner=4 * config.hidden,
            multi_query=True,
            bos_token_id=encoding.end,
            eos_token_id=encoding.end,
            pad_token_id=encoding.end,
            **dict.fromkeys(_DROPOUTS, config.dropout),
        )
    )


def load_model(folder: Path, encoding: Encoding, *, context: int, dropout: float = 0.0) -> Any:
    """The model of a local folder, in fp32, from safetensors alone, for sequences of ``context`` tokens.

    Raises:
        BadBase: There is no such model, it is kept in pickles or needs code of its own, or its context is too short.
        BadTokenizer: The tokenizer has ids that the model has no row for.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    _quieten()
    weight_files(folder)
    try:
        shape = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        for name in _DROPOUTS:
            if hasattr(shape, name):
                setattr(shape, name, dropout)
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            config=shape,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
        )
    except Exception as error:  # transformers, safetensors and json each have their own
        raise BadBase(f"{folder}: the model cannot be loaded ({error})") from error
    # What was read lies where the file had it. Products of matrices round otherwise there than where torch puts its own
    # tensors (on some processors), and a run that was resumed would not end as one that was not.
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()
    longest = getattr(model.config, "max_position_embeddings", None)
    if longest is not None and longest < context:
        raise BadBase(f"{folder}: the model has {longest} positions; choose a context of at most that")
    rows = model.get_input_embeddings().weight.shape[0]
    if rows < encoding.vocab_size:
        raise BadTokenizer(
            f"{encoding.folder}: the tokenizer has {encoding.vocab_size} entries, the model in {folder} only {rows}; "
            "use the tokenizer that the model was trained with"
        )
    return model


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a model folder.

    Raises:
        BadBase: It is no model folder, or keeps its weights otherwise.
    """
    if not (folder / "config.json").is_file():
        raise BadBase(f"{folder}: is not a model folder (no config.json)")
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        others = sorted(path.name for path in folder.glob("*.bin"))
        held = f"only {others[0]}, a pickle, which can run code when it is opened" if others else "no weights"
        raise BadBase(f"{folder}: holds {held}; convert the model to safetensors")
    return files


def weights_digest(folder: Path) -> str:
    """SHA-256 (hex) over the safetensors of a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in weight_files(folder):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def token_losses(model: Any, batch: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy (nats) of a batch of shape (sequences, length + 1).

    ``use_cache=False`` on purpose: with a cache, transformers takes packed sequences whose positions begin again for one,
    silently, and keeps keys that training never reads.
    """
    import torch

    logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())


def _quieten() -> None:
    """Keep transformers' own progress bars and hints out of a job's log."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
