"""The trainer: tokenizer, token files, model, loop and checkpoints. Plain Python; runs alone by ``python -m``."""

import os

# Read once, when torch loads its OpenMP. Threads that wait by spinning take the cores from whatever else the machine does
# and from one another: with two threads on two busy cores a step took five times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
