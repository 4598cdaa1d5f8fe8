"""Whom a job is credited to, and which company it is for.

Nothing is invented: a value comes from the call's metadata, from a row of a table that the user
keeps, or from words of the call. Where two rows fit, none is taken.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from tradecall.errors import ConfigurationError
from tradecall.job import CompanyContext, normalize_email, normalize_phone
from tradecall.transcript import AgentIdentity, CallMetadata, Span

__all__ = [
    "AgentDirectory",
    "Attribution",
    "CompanyContext",
    "CompanyTable",
    "DirectoryAgent",
    "HeardAgent",
    "attribute",
    "find_company",
]


@dataclass(frozen=True, slots=True)
class HeardAgent:
    """The employee who took the call, as heard in it.

    Attributes:
        first_name: As usually written.
        last_name: Likewise; None where it was not said.
        evidence: Where the name was said, in call order.
        confidence: Probability that this is who took the call.
    """

    first_name: str
    last_name: str | None
    evidence: tuple[Span, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who took the call, as far as it is known; all None where nobody is known.

    Attributes:
        source: Where the identity comes from: ``"metadata"`` (the phone system, completed from
            the directory), ``"directory"`` (the name was heard, the row is the directory's) or
            ``"transcript"`` (as heard, and nothing more).
    """

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    id: str | None = None
    source: Literal["metadata", "directory", "transcript"] | None = None

    @property
    def identity(self) -> AgentIdentity | None:
        """The same without its source, None where nobody is known."""
        if self.source is None:
            return None
        return AgentIdentity(self.id, self.first_name, self.last_name, self.email, self.phone)


def attribute(
    metadata_agent: AgentIdentity | None,
    heard: HeardAgent | None,
    directory: AgentDirectory | None = None,
) -> Attribution:
    """Say who took a call: metadata first, else the directory by the name heard, else as heard.

    The directory completes an identity from metadata by its id, e-mail or name, unless its row
    contradicts the metadata. An id that names nobody yields to a name that was heard.
    """
    known = metadata_agent or AgentIdentity()
    if directory:
        known = _complete(known, directory)
    if known.first_name or known.last_name or known.email or known.phone:
        return _attribution(known, "metadata")
    if heard is None:
        return _attribution(known, "metadata") if known.id else Attribution()
    found = directory.by_name(heard.first_name, heard.last_name) if directory else None
    if found:
        said = AgentIdentity(first_name=heard.first_name, last_name=heard.last_name)
        return _attribution(_merge(found.identity, said), "directory")
    return Attribution(heard.first_name, heard.last_name, source="transcript")


def _attribution(identity: AgentIdentity, source: Literal["metadata", "directory"]) -> Attribution:
    return Attribution(
        identity.first_name,
        identity.last_name,
        identity.email,
        identity.phone,
        identity.id,
        source,
    )


def _complete(known: AgentIdentity, directory: AgentDirectory) -> AgentIdentity:
    found = (
        directory.by_id(known.id)
        or directory.by_email(known.email)
        or directory.by_typed_name(known.first_name, known.last_name)
    )
    if found is None or found.contradicts(known):
        return known
    return _merge(known, found.identity)


def _merge(first: AgentIdentity, second: AgentIdentity) -> AgentIdentity:
    """Give ``first``, its gaps filled from ``second``."""
    return AgentIdentity(
        *(getattr(first, part.name) or getattr(second, part.name) for part in fields(AgentIdentity))
    )


# --------------------------------------------------------------------------- the agent directory


@dataclass(frozen=True, slots=True)
class DirectoryAgent:
    """A row of the agent directory.

    Attributes:
        identity: Who it is.
        aliases: Other names that callers hear: ``"Mike"``, ``"DJ"``, ``"Mike Alvarez"``.
    """

    identity: AgentIdentity
    aliases: tuple[str, ...] = ()

    def contradicts(self, known: AgentIdentity) -> bool:
        """Say whether the row is of somebody else than ``known``."""
        mine = self.identity
        if _differ(mine.id, known.id) or _differ(mine.email, known.email):
            return True
        if known.first_name:
            return not self.answers_to(known.first_name, known.last_name)
        return _differ(mine.last_name, known.last_name)

    def answers_to(self, first_name: str | None, last_name: str | None) -> bool:
        """Say whether this person may be meant by a name as it was heard or typed."""
        if not first_name:
            return False
        heard_last = _plain(last_name)
        for first, last in self._names():
            if not heard_last or not last:
                if _sound(first) == _sound(first_name):
                    return True
            elif _alike(first, first_name) and _alike(last, last_name or ""):
                return True
        return False

    def is_called(self, first_name: str, last_name: str | None) -> bool:
        """Say whether this is exactly one of the person's names, the first alone or in full."""
        wanted_first, wanted_last = _plain(first_name), _plain(last_name)
        return any(
            _plain(first) == wanted_first and wanted_last in ("", _plain(last))
            for first, last in self._names()
        )

    def _names(self) -> Iterator[tuple[str, str]]:
        first, last = self.identity.first_name or "", self.identity.last_name or ""
        if first:
            yield first, last
        for alias in self.aliases:
            given, _, family = alias.partition(" ")
            yield given, family or last


class AgentDirectory:
    """The call center's employees, looked up by id, e-mail or the name that was heard."""

    def __init__(self, agents: Sequence[DirectoryAgent]) -> None:
        self.agents = tuple(agents)
        by_id = {_plain(agent.identity.id): agent for agent in self.agents}
        by_email = {_plain(agent.identity.email): agent for agent in self.agents}
        self._by_id = {id: agent for id, agent in by_id.items() if id}
        self._by_email = {email: agent for email, agent in by_email.items() if email}

    def __len__(self) -> int:
        return len(self.agents)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read a CSV or JSON file with one row an employee.

        Columns go by the usual names (``id``/``login``, ``first_name``, ``last_name`` or
        ``name``, ``email``, ``phone``, ``aliases``), in any order; others are left alone. Aliases
        are a JSON list, or text cut at semicolons or vertical bars.

        Raises:
            ConfigurationError: The file cannot be read, or a row cannot be used; says which line.
        """
        agents: list[DirectoryAgent] = []
        seen: dict[tuple[str, str], str] = {}
        for place, row in _read_table(Path(path), _AGENT_COLUMNS):
            first, last = row.one("first_name"), row.one("last_name")
            if row.one("name") and not (first or last):
                first, _, rest = (row.one("name") or "").partition(" ")
                last = rest.strip() or None
            email = row.checked("email", normalize_email)
            phone = row.checked("phone", normalize_phone)
            identity = AgentIdentity(row.one("id"), first, last, email, phone)
            if not (identity.id or first or last or email):
                raise ConfigurationError(f"{place}: an agent needs an id, a name or an e-mail")
            for column, value in (("id", identity.id), ("email", email)):
                earlier = seen.setdefault((column, _plain(value)), place)
                if value and earlier != place:
                    raise ConfigurationError(f"{place}: {column} is the same as in {earlier}")
            agents.append(DirectoryAgent(identity, row.many("aliases")))
        return cls(agents)

    def by_id(self, id: str | None) -> DirectoryAgent | None:
        """Find the employee with this id or login, in any case."""
        return self._by_id.get(_plain(id))

    def by_email(self, email: str | None) -> DirectoryAgent | None:
        """Find the employee with this e-mail address, in any case."""
        return self._by_email.get(_plain(email))

    def by_name(
        self, first_name: str | None, last_name: str | None = None
    ) -> DirectoryAgent | None:
        """Find the one employee who is meant by a name as heard.

        A first name alone must sound the same as one of the person's names ("Dayna" for "Dana");
        with a last name both may be a little off, as recognisers write them. Where several
        employees fit, only an exact full name decides between them, otherwise the answer is None:
        a recogniser that heard "Jon" cannot know that it was not "John".
        """
        fitting = [agent for agent in self.agents if agent.answers_to(first_name, last_name)]
        if len(fitting) > 1 and last_name:
            return self.by_typed_name(first_name, last_name)
        return fitting[0] if len(fitting) == 1 else None

    def by_typed_name(
        self, first_name: str | None, last_name: str | None = None
    ) -> DirectoryAgent | None:
        """Find the one employee who has exactly this name, in any case."""
        if not first_name:
            return None
        fitting = [agent for agent in self.agents if agent.is_called(first_name, last_name)]
        return fitting[0] if len(fitting) == 1 else None


# Spellings of one sound, in this order; "y" counts as "i". Few on purpose: two names that a
# listener can tell apart must stay two, and what is missing here can be an alias in the directory.
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"['\u2019.-]", ""),
        (r"y", "i"),
        (r"^kn", "n"),
        (r"^wr", "r"),
        (r"ph|v", "f"),
        (r"sch|ck|ch(?=[rl]|ol)|q|c(?=[aoulrtk]|$)", "k"),
        (r"c(?=[ei])", "s"),
        (r"(?<=[aeiou])gh(?=[lrt]|$)", ""),
        (r"(?<![cs])(?<!^)h", ""),
        (r"z", "s"),
        (r"ee|ie$|ei$", "i"),
        (r"ai(?=[a-z])", "a"),
        (r"au|aw", "o"),
        (r"([^aeiou])\1e$", r"\1"),
        (r"(.)\1+", r"\1"),
        (r"(?:(?<=[aeiou][^aeiou])|(?<=[aeiou][^aeiou]{2}))i(?=n$)", "e"),
    )
)


@lru_cache(maxsize=4096)
def _sound(name: str) -> str:
    """Give a key that is equal for names a listener cannot tell apart."""
    key = _plain(name)
    for pattern, sound in _SOUNDS:
        key = pattern.sub(sound, key)
    return key


def _alike(name: str, other: str) -> bool:
    """Say whether a recogniser may have written one name for the other."""
    from rapidfuzz.distance import JaroWinkler

    if _sound(name) == _sound(other):
        return True
    return JaroWinkler.similarity(_plain(name), _plain(other)) >= 0.88


@lru_cache(maxsize=4096)
def _plain(text: str | None) -> str:
    """Give text as it is compared: lower case, without accents, spaces joined."""
    if not text:
        return ""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in bare if not unicodedata.combining(char)).split())


def _differ(one: str | None, other: str | None) -> bool:
    return bool(one and other) and _plain(one) != _plain(other)


# ----------------------------------------------------------------------------- the company table


@dataclass(frozen=True, slots=True)
class _Company:
    context: CompanyContext
    names: frozenset[str]
    numbers: frozenset[str]


class CompanyTable:
    """The companies that calls are answered for, by name or by the number that was dialled."""

    def __init__(self, companies: Sequence[_Company]) -> None:
        self._companies = tuple(companies)

    def __len__(self) -> int:
        return len(self._companies)

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read a CSV or JSON file with one row a company or location.

        Columns go by the usual names: ``name``, ``called_number``, ``service_titan_tenant_id``,
        ``brand_location_id``, ``aliases``; several numbers are cut like aliases.

        Raises:
            ConfigurationError: The file cannot be read, or a row cannot be used; says which line.
        """
        companies = []
        for place, row in _read_table(Path(path), _COMPANY_COLUMNS):
            context = CompanyContext(
                row.one("service_titan_tenant_id"), row.one("brand_location_id"), row.one("name")
            )
            names = [name for name in (context.name, *row.many("aliases")) if name]
            numbers = row.many("called_number", normalize_phone)
            if not (names or numbers):
                raise ConfigurationError(f"{place}: a company needs a name or a called number")
            if not (context.service_titan_tenant_id or context.brand_location_id):
                raise ConfigurationError(
                    f"{place}: a company needs service_titan_tenant_id or brand_location_id"
                )
            companies.append(
                _Company(context, frozenset(map(_company_key, names)), frozenset(numbers))
            )
        return cls(companies)

    def find(self, name: str | None, called_number: str | None) -> CompanyContext | None:
        """Find the one company that name and dialled number speak for.

        Either is enough where it fits one row alone; two that speak for different rows, or for
        several rows alike, give None.
        """
        key, number = _company_key(name or ""), _number_key(called_number)
        by_name = [company for company in self._companies if key and key in company.names]
        by_number = [company for company in self._companies if number in company.numbers]
        both = [company for company in by_name if company in by_number]
        found = both if by_name and by_number else by_name or by_number
        return found[0].context if len(found) == 1 else None


def find_company(
    metadata: CallMetadata, table: CompanyTable | None = None
) -> CompanyContext | None:
    """Say which company a call was for: identifiers that came with it, else the table's.

    The name that came with the call is kept, whatever the table calls the company. None where
    neither a name nor an identifier is known.
    """
    tenant = _text(metadata.extra.get("service_titan_tenant_id"))
    location = _text(metadata.extra.get("brand_location_id"))
    name = _text(metadata.company_name)
    if tenant or location:
        return CompanyContext(tenant, location, name)
    found = table.find(name, metadata.called_number) if table else None
    if found:
        return replace(found, name=name or found.name)
    return CompanyContext(name=name) if name else None


_LEGAL_FORMS = re.compile(r"(?: (?:inc|incorporated|llc|co|corp|corporation|company|ltd))+$")
_COMPANY_SIGNS = str.maketrans({"&": " and ", "'": "", "\u2019": ""})
_NO_WORD = re.compile(r"[^a-z0-9]+")


def _company_key(name: str) -> str:
    """Give the form under which company names are compared: "Fox & Sons, LLC" is "fox and sons"."""
    plain = _plain(name).translate(_COMPANY_SIGNS)
    return _LEGAL_FORMS.sub("", _NO_WORD.sub(" ", plain).strip())


def _number_key(number: str | None) -> str | None:
    try:
        return normalize_phone(number or "")
    except ValueError:
        return None


def _text(value: object) -> str | None:
    """Give metadata as text; numbers are taken for identifiers, other things for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


# ------------------------------------------------------------------------------- reading a table

_Columns = Mapping[str, tuple[str, ...]]

_AGENT_COLUMNS: _Columns = {
    "id": ("id", "agent_id", "employee_id", "user_id", "login", "username", "user_name"),
    "first_name": ("first_name", "first", "firstname", "given_name"),
    "last_name": ("last_name", "last", "lastname", "surname", "family_name"),
    "name": ("name", "full_name", "agent", "agent_name", "employee", "employee_name"),
    "email": ("email", "e_mail", "mail", "email_address", "e_mail_address"),
    "phone": ("phone", "phone_number", "telephone", "mobile", "cell"),
    "aliases": ("aliases", "alias", "nicknames", "nickname", "also_known_as", "aka"),
}
_COMPANY_COLUMNS: _Columns = {
    "name": ("name", "company", "company_name", "brand", "brand_name"),
    "called_number": (
        "called_number",
        "called_numbers",
        "number",
        "numbers",
        "phone",
        "phones",
        "phone_number",
        "phone_numbers",
        "tracking_number",
        "dnis",
    ),
    "service_titan_tenant_id": ("service_titan_tenant_id", "servicetitan_tenant_id", "tenant_id"),
    "brand_location_id": ("brand_location_id", "location_id"),
    "aliases": ("aliases", "alias", "other_names", "also_known_as", "aka"),
}
_LIST_CUT = re.compile(r"[;|]")


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table, by our column names; blank cells are not there."""

    place: str
    cells: Mapping[str, str | tuple[str, ...]]

    def one(self, column: str) -> str | None:
        cell = self.cells.get(column)
        if isinstance(cell, tuple):
            raise ConfigurationError(f"{self.place}: {column} must be one value")
        return cell

    def many(self, column: str, form: Callable[[str], str] | None = None) -> tuple[str, ...]:
        cell = self.cells.get(column, ())
        parts: Iterable[str] = _LIST_CUT.split(cell) if isinstance(cell, str) else cell
        values = [part.strip() for part in parts if part.strip()]
        return tuple(self._in_form(column, value, form) if form else value for value in values)

    def checked(self, column: str, form: Callable[[str], str]) -> str | None:
        cell = self.one(column)
        return cell and self._in_form(column, cell, form)

    def _in_form(self, column: str, value: str, form: Callable[[str], str]) -> str:
        try:
            return form(value)
        except ValueError as error:
            raise ConfigurationError(f"{self.place}: {column}: {error}") from None


def _read_table(path: Path, columns: _Columns) -> Iterator[tuple[str, _Row]]:
    """Yield place ("agents.csv:3") and row of a CSV or JSON table, told apart by content."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None
    if not text.strip():
        raise ConfigurationError(f"{path}: is empty")
    read = _json_rows if text.lstrip()[0] in "[{" else _csv_rows
    known = {name: column for column, names in columns.items() for name in names}
    for place, row in read(path, text):
        cells: dict[str, str | tuple[str, ...]] = {}
        for header, value in row.items():
            column = known.get(_header_key(header))
            if column is None:
                continue
            cell = _cell(place, column, value)
            if cell and column in cells:
                raise ConfigurationError(f"{place}: two columns give {column}")
            if cell:
                cells[column] = cell
        if not any(_header_key(header) in known for header in row):
            raise ConfigurationError(f"{place}: no known column (such as {', '.join(columns)})")
        yield place, _Row(place, cells)


def _cell(place: str, column: str, value: object) -> str | tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, list):
        parts = [_text(part) for part in value]
        if None in parts:
            raise ConfigurationError(f"{place}: {column} must be a list of text")
        return tuple(part for part in parts if part)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ConfigurationError(f"{place}: {column} must be text")
    return _text(value)


def _header_key(header: str) -> str:
    return _NO_WORD.sub("_", header.strip().lower()).strip("_")


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    header_line = text.lstrip().splitlines()[0]
    delimiter = max(",;\t|", key=header_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    headers: list[str] = []
    try:
        for values in reader:
            place = f"{path}:{reader.line_num}"
            if not any(value.strip() for value in values):
                continue
            if not headers:
                headers = values
                continue
            if len(values) > len(headers):
                raise ConfigurationError(f"{place}: has more values than the header has columns")
            yield place, dict(zip(headers, values, strict=False))
    except csv.Error:
        raise ConfigurationError(f"{path}:{reader.line_num}: is not well-formed CSV") from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        payload = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}:{error.lineno}: is not well-formed JSON") from None
    if isinstance(payload, dict):
        lists = [value for value in payload.values() if isinstance(value, list)]
        payload = lists[0] if len(lists) == 1 else payload
    if not isinstance(payload, list):
        raise ConfigurationError(f"{path}: must hold a list of objects")
    for number, row in enumerate(payload, 1):
        place = f"{path}: entry {number}"
        if not isinstance(row, dict):
            raise ConfigurationError(f"{place}: must be an object")
        yield place, row
