"""Spoken numbers to digit strings, aligned with the tokens they were read from.

Speech is ambiguous: "two hundred five" is 205 or 2005, "oh two weeks" is 02 or 2, "for" is a 4 only
among digits. A run of number words is therefore read as a small lattice of atoms, and its cheapest
paths are kept as ``NumberRun.readings``, most likely first. What follows (how many digits a phone
has, what the other side repeats) decides between them, not this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

from tradecall.tokens import Tokens

_UNITS = {
    word: str(digit)
    for digit, words in enumerate(
        (
            "zero oh o cero aught nought",
            "one uno",
            "two dos",
            "three tres",
            "four cuatro",
            "five cinco",
            "six seis",
            "seven siete",
            "eight ocho",
            "nine nueve niner",
        )
    )
    for word in words.split()
}
_TEENS = {
    word: str(10 + index)
    for index, word in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
    )
} | {"diez": "10", "once": "11", "doce": "12", "trece": "13", "catorce": "14", "quince": "15"}
_TENS = {
    word: str(2 + index)
    for index, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())
} | {"fourty": "4", "veinte": "2", "treinta": "3", "cuarenta": "4", "cincuenta": "5"}
# Digits only among digits: price of reading the word as a digit inside a run and at its edge.
_HOMOPHONES = {
    "to": ("2", 0.0, 0.7),
    "too": ("2", 0.0, 0.3),
    "for": ("4", 0.0, 0.7),
    "fore": ("4", 0.0, 0.2),
    "won": ("1", 0.0, 0.2),
    "ate": ("8", 0.0, 0.2),
    "owe": ("0", 0.0, 0.5),
    "tree": ("3", 0.2, 1.5),
    "fife": ("5", 0.0, 0.2),
    "sicks": ("6", 0.0, 0.2),
}
_PLURALS = {
    plural: digit
    for digit, words in enumerate(
        (
            "zeros zeroes ohs os",
            "ones",
            "twos",
            "threes",
            "fours",
            "fives",
            "sixes",
            "sevens",
            "eights",
            "nines",
        )
    )
    for plural in words.split()
}
_REPEATS = {"double": 2, "doble": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SCALES = {"hundred": 2, "thousand": 3}
_JOINERS = frozenset({"-", "–", "(", ")", "dash", "hyphen"})
_BEFORE_PRONOUN = frozenset(
    "this that the which no any another every each old new big small little last next other only "
    "own same right wrong good bad first second third for at any some with".split()
)
_AFTER_PRONOUN = frozenset("of second word more thing time day who that i on in we you".split())
_CORE = frozenset(_UNITS) | frozenset(_TEENS) | frozenset(_TENS)
_MEMBERS = _CORE | frozenset(_HOMOPHONES) | frozenset(_REPEATS) | frozenset(_SCALES)
_MEMBERS |= frozenset(_PLURALS)
_MAX_READINGS = 6
_BEAM = 12
_MAX_RUN = 48  # tokens; no phone, card or serial is longer, and it bounds the lattice


@dataclass(frozen=True, slots=True)
class NumberRun:
    """An unbroken stretch of number words and digits.

    Attributes:
        first: Its first token.
        last: The token after its last; all are of one turn.
        turn: That turn.
        readings: Digit strings, most likely first; never empty.
    """

    first: int
    last: int
    turn: int
    readings: tuple[str, ...]

    @property
    def digits(self) -> str:
        """The most likely reading."""
        return self.readings[0]


class _Atom(NamedTuple):
    """Tokens ``[i, end)`` read as ``digits`` at a price; lower is likelier."""

    end: int
    digits: str
    price: float


def find_number_runs(tokens: Tokens) -> list[NumberRun]:
    """Find the runs of number words and digits of a call, in order.

    Fillers, commas and full stops end a run: whether two runs are one number is for the digit
    dialogue to say. A homophone alone ("to", "ate") is no run; "oh" alone is one only between
    commas beside digits ("two, oh, oh, one") or as a whole turn.
    """
    lower = tokens.lower
    runs: list[NumberRun] = []
    for turn, (begin, stop) in enumerate(tokens.bounds):
        position = begin
        while position < stop:
            word = lower[position]
            if word not in _MEMBERS and written_digits(word) is None:
                position += 1
                continue
            end = position + 1
            while end < stop and end - position < _MAX_RUN:
                word = lower[end]
                if word in _MEMBERS or written_digits(word) is not None:
                    end += 1
                elif word in _JOINERS or (word == "and" and lower[end - 1] in _SCALES):
                    following = lower[end + 1] if end + 1 < stop else ""
                    if following not in _MEMBERS and written_digits(following) is None:
                        if word in "()" and following in _JOINERS:
                            end += 1
                            continue
                        break
                    end += 1
                else:
                    break
            run = _read_run(tokens, position, end, turn)
            if run is not None:
                runs.append(run)
            position = end
    return runs


def align_reading(tokens: Tokens, run: NumberRun, digits: str) -> list[tuple[int, int, str]]:
    """Tell which words of a run each digit of one of its readings was read from.

    Returns:
        Token ranges ``[first, last)`` that cover the run in order, each with its digits (``""`` for
        a joiner or a homophone that wrote none).
    """
    words = tokens.lower[run.first : run.last]
    # The cheapest way to each (words used, digits written): its price and where it came from.
    paths: dict[tuple[int, int], tuple[float, int, int]] = {(0, 0): (0.0, 0, 0)}
    for position in range(len(words)):
        atoms = _atoms(words, position)
        for used in range(len(digits) + 1):
            if (position, used) not in paths:
                continue
            price = paths[position, used][0]
            for atom in atoms:
                ahead = (atom.end, used + len(atom.digits))
                if digits.startswith(atom.digits, used) and (
                    ahead not in paths or price + atom.price < paths[ahead][0]
                ):
                    paths[ahead] = (price + atom.price, position, used)
    parts: list[tuple[int, int, str]] = []
    position, used = len(words), len(digits)
    while position:
        _, before, start = paths[position, used]
        parts.append((run.first + before, run.first + position, digits[start:used]))
        position, used = before, start
    return parts[::-1]


def written_digits(word: str) -> str | None:
    """Give the digits of a token written in digits ("415", "5:06", "1,900"), else None.

    Decimals ("2.5") and mixed tokens ("3rd", "r49") are no digit strings.
    """
    if not word or not word[0].isdigit() or not word[-1].isdigit():
        return None
    if word.isdigit():
        return word if word.isascii() else None
    if not word.isascii():
        return None
    parts = word.replace("-", ".").replace(":", ".").replace(",", ".").replace("/", "x").split(".")
    if not all(part.isdigit() for part in parts):
        return None
    digits = "".join(parts)
    if "." in word and len(parts) == 2 and len(digits) < 7:
        return None
    return digits


def _read_run(tokens: Tokens, first: int, last: int, turn: int) -> NumberRun | None:
    words = tokens.lower[first:last]
    # Edges that carry no digit of their own ("for" before a word, "double trouble") fall off.
    solid = [
        index
        for index, word in enumerate(words)
        if (word in _CORE and word not in ("oh", "o"))
        or written_digits(word) is not None
        or (word in _REPEATS and index + 1 < len(words) and words[index + 1] in _UNITS)
    ]
    if not solid and not _is_lone_zero(tokens, first, last, turn):
        return None
    if words == ["one"] and _is_pronoun(tokens, first, turn):
        return None
    readings = _read_words(words)
    if not readings:
        return None
    return NumberRun(first, last, turn, readings)


def _is_lone_zero(tokens: Tokens, first: int, last: int, turn: int) -> bool:
    """Tell the digit "oh" from the exclamation: a whole turn, or between commas beside digits."""
    if any(word not in ("oh", "o") for word in tokens.lower[first:last]):
        return False
    begin, end = tokens.bounds[turn]
    if (begin, end) == (first, last):
        return True
    for comma, beside in ((first - 1, first - 2), (last, last + 1)):
        if begin <= beside < end and tokens.lower[comma] in (",", "...", "."):
            word = tokens.lower[beside]
            if word in _CORE or written_digits(word) is not None:
                return True
    return False


def _is_pronoun(tokens: Tokens, position: int, turn: int) -> bool:
    """Tell "this one", "one of them" from the digit."""
    begin, end = tokens.bounds[turn]
    before = tokens.lower[position - 1] if position > begin else ""
    after = tokens.lower[position + 1] if position + 1 < end else ""
    return before in _BEFORE_PRONOUN or after in _AFTER_PRONOUN


def _read_words(words: list[str]) -> tuple[str, ...]:
    """Give the cheapest digit strings of a run of number words."""
    size = len(words)
    paths: list[dict[str, float]] = [{} for _ in range(size + 1)]
    paths[0][""] = 0.0
    for position in range(size):
        here = paths[position]
        if not here:
            continue
        if len(here) > _BEAM:
            here = dict(nsmallest(_BEAM, here.items(), key=lambda item: item[1]))
        for atom in _atoms(words, position):
            ahead = paths[atom.end]
            for digits, price in here.items():
                longer = digits + atom.digits
                total = price + atom.price
                if total < ahead.get(longer, 99.0):
                    ahead[longer] = total
    ranked = nsmallest(_MAX_READINGS, paths[size].items(), key=lambda item: item[1])
    return tuple(digits for digits, price in ranked if digits and price < ranked[0][1] + 4.0)


def _atoms(words: list[str], position: int) -> list[_Atom]:
    """List the ways to read the tokens that begin at ``position``."""
    word = words[position]
    after = words[position + 1] if position + 1 < len(words) else ""
    atoms: list[_Atom] = []
    inner = position > 0 and position + 1 < len(words)
    if word in _JOINERS or word == "and":
        return [_Atom(position + 1, "", 0.0)]
    value = _small_number(words, position)
    for end, digits, price in value:
        atoms.append(_Atom(end, digits, price))
        atoms.extend(_scaled(words, end, digits, price))
    if word in _REPEATS:
        for end, digits, price in _small_number(words, position + 1):
            if len(digits) == 1:
                atoms.append(_Atom(end, digits * _REPEATS[word], price))
        if not atoms:
            atoms.append(_Atom(position + 1, "", 1.0))
    if word in _HOMOPHONES:
        digit, inside, edge = _HOMOPHONES[word]
        atoms.append(_Atom(position + 1, digit, inside if inner else edge))
        atoms.append(_Atom(position + 1, "", 2.5 if inner else 0.5))
    if after in _PLURALS:
        count = _UNITS.get(word, word)
        if count in ("2", "3", "4", "5"):
            repeated = str(_PLURALS[after]) * int(count)
            atoms.append(_Atom(position + 2, repeated, -0.5))
    if word in _PLURALS:
        atoms.append(_Atom(position + 1, str(_PLURALS[word]), 1.0))
    if word in _SCALES:  # a scale that no number precedes: "a hundred"
        atoms.append(_Atom(position + 1, "1" + "0" * _SCALES[word], 2.0))
        atoms.append(_Atom(position + 1, "", 3.0))
    if word in ("oh", "o") and position == 0:
        atoms.append(_Atom(1, "", 0.6))
    return atoms


def _small_number(words: list[str], position: int) -> list[tuple[int, str, float]]:
    """Read a number below one hundred, or digits, as (end, digits, price)."""
    if position >= len(words):
        return []
    word = words[position]
    written = written_digits(word)
    if written is not None:
        return [(position + 1, written, 0.0)]
    if word in _UNITS:
        return [(position + 1, _UNITS[word], 0.0)]
    if word in _TEENS:
        return [(position + 1, _TEENS[word], 0.0)]
    if word not in _TENS:
        return []
    found = [(position + 1, _TENS[word] + "0", 0.0)]
    follow = position + 1
    if follow < len(words) and words[follow] == "-":
        follow += 1
    unit = words[follow] if follow < len(words) else ""
    digit = _UNITS.get(unit) or (unit if len(unit) == 1 and unit.isdigit() else "")
    price = 0.0
    if not digit and unit in ("to", "too", "for", "fore", "won", "ate", "tree"):
        digit, price = _HOMOPHONES[unit][0], 0.4
    if digit and digit != "0":
        found[0] = (position + 1, _TENS[word] + "0", 1.6)  # "seventy two" is seldom 70 2
        found.append((follow + 1, _TENS[word] + digit, price))
    return found


def _scaled(words: list[str], end: int, digits: str, price: float) -> list[_Atom]:
    """Read "… hundred", "… thousand" and what is added to them."""
    if end >= len(words) or words[end] not in _SCALES or len(digits) > 3:
        return []
    if digits.startswith("0"):
        return []
    zeros = _SCALES[words[end]]
    atoms = [_Atom(end + 1, digits + "0" * zeros, price - 0.5)]
    rest = end + 1
    said_and = rest < len(words) and words[rest] == "and"
    if said_and:
        rest += 1
    for stop, addend, more in _small_number(words, rest):
        if len(addend) > zeros or addend.startswith("0"):
            continue
        follows = stop < len(words) and words[stop] not in _JOINERS
        # "five hundred eight" is 508, "eight hundred five five five" is 800 555.
        doubt = 0.9 if follows and not said_and else 0.0
        total = digits + addend.rjust(zeros, "0")
        atoms.append(_Atom(stop, total, price - 0.6 + more + doubt))
        if zeros == 3 and stop < len(words) and words[stop] == "hundred" and len(addend) == 1:
            hundreds = digits + addend + "00"
            atoms.append(_Atom(stop + 1, hundreds, price - 0.7 + more))
            for tail, last, extra in _small_number(words, stop + 1):
                if len(last) <= 2:
                    joined = digits + addend + last.rjust(2, "0")
                    atoms.append(_Atom(tail, joined, price - 0.8 + more + extra))
    return atoms
