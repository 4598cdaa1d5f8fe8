"""Settings: environment variables ``TRADECALL_*`` over one TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from tradecall.errors import ConfigurationError

BASE_URLS = {
    "production": "https://api.tradeengage.com/api/v1/open",
    "staging": "https://api.staging.tradeengage.com/api/v1/open",
    "mock": "https://docs.api.tradeengage.com/_mock/openapi",
}
"""The job API's published addresses, by the names that ``base_url`` takes."""

_PREFIX = "TRADECALL_"
_DEFAULT_FILE = Path("tradecall.toml")
_PATHS = ("models", "agents", "companies")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADER_VALUE = re.compile(r"[!-~]+")


def resolve_base_url(value: str) -> str:
    """Give the address of the job API for a name in ``BASE_URLS`` or an address.

    Raises:
        ValueError: It is neither, holds a password or a query, or would send the API key in the
            clear to another machine.
    """
    if value.lower() in BASE_URLS:
        return BASE_URLS[value.lower()]
    names = ", ".join(BASE_URLS)
    try:
        parts = urlsplit(value.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"must be one of {names}, or an http(s) address") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"must be one of {names}, or an http(s) address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("must begin with https:// unless it is this machine")
    return value.strip().rstrip("/")


def _check_api_key(value: object) -> object:
    if isinstance(value, str):
        value = value.strip()
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError("must be printable ASCII without spaces")
    return value


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("names the folder of a user who is not known") from None


_File = Annotated[Path, AfterValidator(_at_home)]


class Settings(BaseSettings):
    """What a user may set.

    Attributes:
        api_key: Key for the job API (``te_open_…``); never shown.
        base_url: Address of the job API, from an address or a name in ``BASE_URLS``. There is no
            default, so that nothing goes to production unasked.
        models: Folder of the models; None means those that came with the package.
        agents: Agent directory, CSV or JSON.
        companies: Company table, CSV or JSON.
        risk: Share of the calls marked ``ready`` that may be wrong.
        include_transcript: Send the transcript along with the job.
        accept_caller_id: Take a caller id that nobody confirmed as the phone.
        summarizer_url: Base address of an OpenAI-compatible endpoint that is to write summaries;
            None, the default, leaves that to the shipped summarizer and sends nothing anywhere.
        summarizer_model: The model to ask for there.
        summarizer_key: Key for that endpoint; never shown.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_key: Annotated[SecretStr, BeforeValidator(_check_api_key)] | None = None
    base_url: Annotated[str, AfterValidator(resolve_base_url)] | None = None
    models: _File | None = None
    agents: _File | None = None
    companies: _File | None = None
    risk: Annotated[float, Field(gt=0, lt=1)] = 0.02
    include_transcript: bool = True
    accept_caller_id: bool = False
    summarizer_url: str | None = None
    summarizer_model: str = ""
    summarizer_key: SecretStr | None = None


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; the environment wins over the file.

    The file is ``path``, else the one ``TRADECALL_CONFIG`` names, else ``tradecall.toml`` in the
    current folder if there is one. Paths in it are relative to its own folder.

    Raises:
        ConfigurationError: A file cannot be read, or a setting is unknown or wrong; names the
            setting and the reason, never the value.
    """
    named = path or os.environ.get(f"{_PREFIX}CONFIG") or None
    file = Path(named) if named else _DEFAULT_FILE
    values = _read(file) if named or file.is_file() else {}
    from_environment = {
        name.lower().removeprefix(_PREFIX.lower()) for name, value in os.environ.items() if value
    }
    kept = {name: value for name, value in values.items() if name not in from_environment}
    try:
        return Settings(**kept)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        setting = str(detail["loc"][0]) if detail["loc"] else "settings"
        place = f"{file}: {setting}" if setting in kept else f"{_PREFIX}{setting.upper()}"
    raise ConfigurationError(f"{place}: {_reason(detail['type'], detail.get('ctx', {}))}")


def _read(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        # Its message may quote a character of a secret, its place does not.
        place = re.search(r"line \d+", str(error))
        raise ConfigurationError(
            f"{file}: is not well-formed TOML ({place[0] if place else 'at its end'})"
        ) from None
    for name in _PATHS:
        value = values.get(name)
        if isinstance(value, str) and not value.startswith("~"):
            values[name] = file.parent / value
    return values


_REASONS = {
    "extra_forbidden": "is no setting",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "path_type": "must be a path",
}


def _reason(kind: str, context: dict[str, Any]) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind in ("greater_than", "less_than"):
        return "must be between 0 and 1, both excluded"
    return _REASONS.get(kind, f"has not the right form ({kind})")
