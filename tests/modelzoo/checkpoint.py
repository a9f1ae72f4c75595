"""A tiny GPTBigCode checkpoint as save_pretrained lays it out, made without torch: random weights, a tokenizer of bytes."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WIDTH, LAYERS, HEADS, POSITIONS = 16, 2, 2, 64


def write_checkpoint(folder: Path, seed: int = 0) -> Path:
    """Write one into ``folder``; another seed gives other weights."""
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<|endoftext|>": 0} | {letter: at for at, letter in enumerate(alphabet, 1)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "architectures": ["GPTBigCodeForCausalLM"],
        "model_type": "gpt_bigcode",
        "activation_function": "gelu_pytorch_tanh",
        "n_embd": WIDTH,
        "n_head": HEADS,
        "n_layer": LAYERS,
        "n_inner": 4 * WIDTH,
        "n_positions": POSITIONS,
        "multi_query": True,
        "vocab_size": len(vocabulary),
        "bos_token_id": 0,
        "eos_token_id": 0,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
    for name, content in {
        "config.json": config,
        "generation_config.json": {"bos_token_id": 0, "eos_token_id": 0},
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"},
        "special_tokens_map.json": {"eos_token": "<|endoftext|>"},
    }.items():
        (folder / name).write_text(json.dumps(content, indent=2))
    save_file(_weights(len(vocabulary), seed), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _weights(vocabulary: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    key_value = 2 * WIDTH // HEADS
    shapes = {"transformer.wte.weight": (vocabulary, WIDTH), "transformer.wpe.weight": (POSITIONS, WIDTH)}
    for layer in range(LAYERS):
        block = f"transformer.h.{layer}"
        for norm in ("ln_1", "ln_2"):
            shapes |= {f"{block}.{norm}.weight": (WIDTH,), f"{block}.{norm}.bias": (WIDTH,)}
        for name, out, into in (
            ("attn.c_attn", WIDTH + key_value, WIDTH),
            ("attn.c_proj", WIDTH, WIDTH),
            ("mlp.c_fc", 4 * WIDTH, WIDTH),
            ("mlp.c_proj", WIDTH, 4 * WIDTH),
        ):
            shapes |= {f"{block}.{name}.weight": (out, into), f"{block}.{name}.bias": (out,)}
    shapes |= {"transformer.ln_f.weight": (WIDTH,), "transformer.ln_f.bias": (WIDTH,)}
    return {name: random.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
