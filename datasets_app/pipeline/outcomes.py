"""How a task ended, as plain JSON values, so that another process can tell: its result, or what it raised."""

import importlib
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.executors import Spec, task_of

Outcome = Mapping[str, Any]


class TaskCrashed(RuntimeError):
    """A task raised in another process what the engine did not expect. Its text is the traceback there."""


def attempt(task: str, common: Sequence[str], spec: Spec) -> Outcome:
    """Run a task and give how it ended. What it raises is told in the outcome; only what ends a process is raised."""
    try:
        return {"result": task_of(task)(*common, spec)}
    except PipelineError as error:
        kind = type(error)
        return {"error": "expected", "kind": f"{kind.__module__}:{kind.__qualname__}", "text": str(error)}
    except OSError as error:
        return {"error": "system", "errno": error.errno, "text": error.strerror or str(error)}
    except Exception:
        return {"error": "crash", "text": traceback.format_exc()}


def result_of(outcome: Outcome) -> Any:
    """The result that an outcome carries.

    Raises:
        PipelineError: What the task raised, of the same class and with the same text.
        OSError: The same, with its number.
        TaskCrashed: It raised anything else.
    """
    match outcome.get("error"):
        case None:
            return outcome["result"]
        case "expected":
            raise _expected(outcome["kind"], outcome["text"])
        case "system":
            raise OSError(outcome["errno"], outcome["text"])
        case _:
            raise TaskCrashed(outcome["text"])


def _expected(kind: str, text: str) -> PipelineError:
    """An error of the engine made anew: its class by name, without what its constructor would do to the text."""
    module, _, name = kind.partition(":")
    found: Any = PipelineError
    if module.startswith("datasets_app.pipeline."):
        found = getattr(importlib.import_module(module), name, PipelineError)
    if not (isinstance(found, type) and issubclass(found, PipelineError)):
        found = PipelineError
    error: PipelineError = found.__new__(found)
    Exception.__init__(error, text)
    return error
