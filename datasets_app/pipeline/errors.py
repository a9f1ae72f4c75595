"""What can go wrong in the engine and is no crash: each message says what was wrong, where, and what to do."""


class PipelineError(Exception):
    """Anything the engine expects to fail on. Its text is meant for a person."""


class SourceError(PipelineError):
    """A source cannot be read at all, or breaks the rules of a source."""


class CorpusDamaged(PipelineError):
    """A file of the corpus cannot be read, or its bytes are not those that its blob id names."""


class BlobMissing(PipelineError):
    """The corpus holds no blob of this id."""


class StorageError(PipelineError):
    """Writing failed (a full disk, most often). What stood before is untouched."""


class CorpusBusy(PipelineError):
    """Another job is writing to the corpus."""
