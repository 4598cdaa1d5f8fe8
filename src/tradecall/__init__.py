"""From home-services call transcripts to valid, attributed job requests, with evidence.

>>> from tradecall import Pipeline
>>> pipeline = Pipeline.load()
>>> result = pipeline.process("Agent: Bright Spark Electric, this is Dana.\\nCaller: Hi Dana ...")
>>> result.status
'review'

Names are imported when they are first used: importing the package itself loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradecall.errors import (
        ConfigurationError,
        InputError,
        InvalidJobError,
        ModelError,
        TradecallError,
    )
    from tradecall.formats import UnreadCall, load_transcripts
    from tradecall.job import JobRequest
    from tradecall.pipeline import CallResult, FailedCall, Pipeline
    from tradecall.settings import Settings, load_settings
    from tradecall.spoken_forms import WrittenText, to_written_form
    from tradecall.transcript import CallMetadata, Span, Speaker, Transcript, Turn

_HOMES = {
    "CallMetadata": "transcript",
    "CallResult": "pipeline",
    "ConfigurationError": "errors",
    "FailedCall": "pipeline",
    "InputError": "errors",
    "InvalidJobError": "errors",
    "JobRequest": "job",
    "ModelError": "errors",
    "Pipeline": "pipeline",
    "Settings": "settings",
    "Span": "transcript",
    "Speaker": "transcript",
    "TradecallError": "errors",
    "Transcript": "transcript",
    "Turn": "transcript",
    "UnreadCall": "formats",
    "load_settings": "settings",
    "load_transcripts": "formats",
    "WrittenText": "spoken_forms",
    "to_written_form": "spoken_forms",
}

__all__ = [
    "CallMetadata",
    "CallResult",
    "ConfigurationError",
    "FailedCall",
    "InputError",
    "InvalidJobError",
    "JobRequest",
    "ModelError",
    "Pipeline",
    "Settings",
    "Span",
    "Speaker",
    "TradecallError",
    "Transcript",
    "Turn",
    "UnreadCall",
    "WrittenText",
    "load_settings",
    "load_transcripts",
    "to_written_form",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tradecall' has no attribute {name!r}")
    value = getattr(import_module(f"tradecall.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
