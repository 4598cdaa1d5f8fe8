"""ZIP codes, cities, states and area codes of the United States, as evidence for what was heard.

The table comes from the ``zipcodes`` package and is kept as one small text file in a model
folder, so that a pipeline neither imports the package nor waits for it.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from tradecall.errors import ModelError
from tradecall.lexicons import read_rows
from tradecall.model_store import ModelInfo, save_info

_FILE = "places.txt.gz"
_HEADER = "tradecall places 1"
_CARD = """# places

No model but a table: which city, state and telephone area codes belong to a ZIP code, and which
states have a city of a name. Evidence for what was heard, never a gate: a value that is on no
table can still fill a field.

- **Made from**: the `zipcodes` package (MIT), by `tradecall train`.
- **Limits**: as old as that package; cities are those the postal service knows.
"""

# Written both ways on envelopes and by recognisers.
_SAME_WORD = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}
_APOSTROPHES = str.maketrans("", "", "'\u2019.`")


@dataclass(frozen=True, slots=True)
class ZipArea:
    """What the postal service says of one ZIP code.

    Attributes:
        code: Five digits.
        city: The city it prefers for this code.
        other_cities: Further names it accepts.
        state: Two letters.
        area_codes: Telephone area codes in use there.
        is_standard: Has street delivery; False for post-office boxes, single firms, the military.
    """

    code: str
    city: str
    other_cities: tuple[str, ...]
    state: str
    area_codes: tuple[str, ...]
    is_standard: bool


@dataclass(frozen=True, slots=True)
class CityMention:
    """A city of the table in a list of words.

    Attributes:
        first: Index of its first word.
        last: Index after its last word.
        name: Its usual writing.
        states: States that have a city of this name.
    """

    first: int
    last: int
    name: str
    states: frozenset[str]


@dataclass(frozen=True, slots=True)
class StateMention:
    """A state's name or abbreviation in a list of words.

    Attributes:
        first: Index of its first word.
        last: Index after its last word.
        code: Two letters.
        is_abbreviation: Said or written short ("ga", "g a", "penn"); some of these are words too.
    """

    first: int
    last: int
    code: str
    is_abbreviation: bool


class Places:
    """The places of the country, by ZIP code, name and area code."""

    def __init__(
        self, zips: Mapping[str, str], cities: Mapping[str, str], area_codes: Mapping[str, str]
    ) -> None:
        """Take the three tables of the file; ``build`` and ``load`` make an instance.

        Args:
            zips: ZIP code → ``kind|state|area codes|city|other cities``.
            cities: City key → ``name|states|number of ZIP codes``.
            area_codes: Telephone area code → states.
        """
        self._zips = zips
        self._cities = cities
        self._area_codes = area_codes
        longest: dict[str, int] = {}
        for key in cities:
            first, _, rest = key.partition(" ")
            length = rest.count(" ") + 2 if rest else 1
            if length > longest.get(first, 0):
                longest[first] = length
        self._longest = longest

    @classmethod
    def build(cls) -> Places:
        """Make the tables from the ``zipcodes`` package; takes about a second."""
        import zipcodes

        zips: dict[str, str] = {}
        states: dict[str, set[str]] = {}
        counts: dict[str, int] = {}
        names: dict[str, str] = {}
        area_states: dict[str, set[str]] = {}
        listed = zipcodes.list_all()  # type: ignore[no-untyped-call]
        entries = sorted(listed, key=lambda entry: str(entry["zip_code"]))
        for entry in entries:
            if not entry["active"]:
                continue
            code, state, city = entry["zip_code"], entry["state"], entry["city"]
            others = list(entry["acceptable_cities"])
            kind = "S" if entry["zip_code_type"] == "STANDARD" else "P"
            areas = " ".join(entry["area_codes"])
            zips[code] = "|".join((kind, state, areas, city, ";".join(others)))
            for area in entry["area_codes"]:
                area_states.setdefault(area, set()).add(state)
            for name in (city, *others):
                for key in _keys(name):
                    states.setdefault(key, set()).add(state)
                    counts[key] = counts.get(key, 0) + 1
                    # The preferred name of some code beats an accepted abbreviation of another.
                    if name == city or key not in names:
                        names[key] = name
        cities = {
            key: f"{name}|{' '.join(sorted(states[key]))}|{counts[key]}"
            for key, name in sorted(names.items())
        }
        area_codes = {area: " ".join(sorted(found)) for area, found in sorted(area_states.items())}
        return cls(zips, cities, area_codes)

    def save(self, folder: Path) -> None:
        """Write the tables to a folder; the same tables give the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = (self._zips, self._cities, self._area_codes)
        blocks = ["\n".join(f"{key}\t{row}" for key, row in table.items()) for table in tables]
        content = "\n\n".join([_HEADER, *blocks]).encode()
        (folder / _FILE).write_bytes(gzip.compress(content, mtime=0))
        source = {"zipcodes": version("zipcodes")}
        counts = {"zip_codes": len(self._zips), "cities": len(self._cities)}
        save_info(folder, ModelInfo(name="places", versions=source, extra=counts), _CARD)

    @classmethod
    def load(cls, folder: Path) -> Places:
        """Read the tables from a folder.

        Raises:
            ModelError: The file is missing, damaged or of another layout.
        """
        path = folder / _FILE
        try:
            header, *blocks = gzip.decompress(path.read_bytes()).decode().split("\n\n")
        except (OSError, EOFError, ValueError) as error:
            raise ModelError(f"{path}: {type(error).__name__}") from error
        if header != _HEADER or len(blocks) != 3:
            raise ModelError(f"{path} has another layout than this version reads")
        zips, cities, area_codes = (
            dict(line.split("\t", 1) for line in block.split("\n")) for block in blocks
        )
        return cls(zips, cities, area_codes)

    def is_zip(self, code: str) -> bool:
        """Tell whether a five-digit code is in use."""
        return code in self._zips

    def zip_area(self, code: str) -> ZipArea | None:
        """Give what is known of a ZIP code, None for one that is not in use."""
        row = self._zips.get(code)
        if row is None:
            return None
        kind, state, areas, city, others = row.split("|")
        return ZipArea(
            code, city, tuple(filter(None, others.split(";"))), state, tuple(areas.split()),
            kind == "S",
        )  # fmt: skip

    def states_of_city(self, name: str) -> frozenset[str]:
        """Give the states that have a city of this name; empty for an unknown name."""
        row = self._cities.get(city_key(name))
        return frozenset(row.split("|")[1].split()) if row else frozenset()

    def zips_of_city(self, name: str) -> int:
        """Count the ZIP codes of all cities of this name: a rough size."""
        row = self._cities.get(city_key(name))
        return int(row.rsplit("|", 1)[1]) if row else 0

    def states_of_area_code(self, area_code: str) -> frozenset[str]:
        """Give the states a telephone area code serves; empty for an unknown one."""
        return frozenset(self._area_codes.get(area_code, "").split())

    def fits(
        self,
        code: str,
        *,
        city: str | None = None,
        state: str | None = None,
        area_code: str | None = None,
    ) -> bool:
        """Tell whether a ZIP code agrees with everything else that is given.

        An unknown code fits nothing; a code without area codes fits every area code.
        """
        area = self.zip_area(code)
        if area is None:
            return False
        if state is not None and area.state != state.upper():
            return False
        if area_code is not None and area.area_codes and area_code not in area.area_codes:
            return False
        return city is None or city_key(city) in {
            city_key(name) for name in (area.city, *area.other_cities)
        }

    def find_cities(self, words: Sequence[str], at: int = 0) -> CityMention | None:
        """Find the longest city name that begins at ``words[at]``.

        Args:
            words: Words in lower case, as tokens have them.
            at: Where the name is to begin.
        """
        first = _key_word(words[at])
        longest = self._longest.get(first)
        if longest is None:
            return None
        keys = [first]
        for word in words[at + 1 : at + longest]:
            keys.append(f"{keys[-1]} {_key_word(word)}")
        for length in range(len(keys), 0, -1):
            row = self._cities.get(keys[length - 1])
            if row is not None:
                name, states, _ = row.split("|")
                return CityMention(at, at + length, name, frozenset(states.split()))
        return None


def city_key(name: str) -> str:
    """Give the form under which city names are compared: "St. Paul" and "saint paul" are one."""
    return " ".join(_key_word(word) for word in name.replace("-", " ").lower().split())


def find_state(words: Sequence[str], at: int = 0) -> StateMention | None:
    """Find the longest state name or abbreviation that begins at ``words[at]``."""
    for name, code, short in _state_names().get(words[at], ()):
        last = at + len(name)
        if tuple(words[at:last]) == name:
            return StateMention(at, last, code, short)
    return None


@lru_cache(maxsize=1)
def state_names() -> Mapping[str, str]:
    """Give the full name of every state, by its two letters."""
    return {code: said.split(",")[0] for code, said in read_rows("states")}


@lru_cache(maxsize=1)
def _state_names() -> Mapping[str, tuple[tuple[tuple[str, ...], str, bool], ...]]:
    """Index the ways to say a state by first word, longest first."""
    ways: list[tuple[tuple[str, ...], str, bool]] = []
    for code, said in read_rows("states"):
        letters = code.lower()
        ways.append(((letters,), code, True))
        ways.append((tuple(letters), code, True))
        full, *shorts = said.split(",")
        ways.append((tuple(full.split()), code, False))
        ways.extend((tuple(short.split()), code, True) for short in shorts)
    index: dict[str, list[tuple[tuple[str, ...], str, bool]]] = {}
    for way in sorted(ways, key=lambda way: -len(way[0])):
        index.setdefault(way[0][0], []).append(way)
    return {first: tuple(found) for first, found in index.items()}


def _key_word(word: str) -> str:
    bare = word if word.isalnum() else word.translate(_APOSTROPHES)
    return _SAME_WORD.get(bare, bare)


def _keys(name: str) -> Iterator[str]:
    """Give the keys a city is found under: as written, and with "Mc Connells" as one word."""
    key = city_key(name)
    yield key
    first, _, rest = key.partition(" ")
    if first in ("mc", "o", "de", "la", "le", "du") and rest:
        yield first + rest
    if key.endswith(" afb"):
        yield f"{key[:-3]}a f b"
        yield f"{key[:-3]}air force base"
