"""What can go wrong in the trainer in a way that a person can act on.

Anything else that leaves the trainer is a fault of the program.
"""


class TrainerError(Exception):
    """Base of the expected failures; the message names what was wrong, where, and what to do."""


class BadShard(TrainerError):
    """A shard cannot be read, lacks a column, or does not hold the bytes that its name promises."""


class NoText(TrainerError):
    """The shards hold no text to train on."""


class BadTokenizer(TrainerError):
    """A tokenizer folder cannot be read or does not fit the model or its purpose."""


class BadTokenFile(TrainerError):
    """A token folder is incomplete, damaged, or not what its description says."""


class BadBase(TrainerError):
    """The folder to fine-tune from cannot be used."""


class WrongWorkFolder(TrainerError):
    """The work folder holds another run, or another process trains in it."""


class WrongWorld(TrainerError):
    """The processes that were started are not those that the trainer asked for."""


class NonFiniteLoss(TrainerError):
    """The loss or the gradient was not a finite number; no weight was changed by it."""


class CannotWrite(TrainerError):
    """The disk is full or refuses to be written; what was there before is whole."""


class CheckpointFailed(CannotWrite):
    """A checkpoint could not be written; those before it are whole."""


class BadCheckpoint(TrainerError):
    """A checkpoint cannot be read."""


class Stopped(TrainerError):
    """The caller asked to stop; a checkpoint was written and the same call goes on from it."""
