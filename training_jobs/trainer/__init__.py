"""The trainer: tokenizer, token files, model, loop and checkpoints. Plain Python; runs alone by ``python -m``."""
