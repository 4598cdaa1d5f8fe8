"""What was said as one would write it: ``to_written_form()``, aligned with the words it came from.

"four one five, five five five, oh one three two" → "415-555-0132", "b as in boy o r a" → "bora",
"jo at example dot com" → "jo@example.com". Nothing is parsed here: number runs, letter runs and
addresses are those that the finders read too. What is decided here is what to write for them, and
what to leave ("two weeks", "that one").
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tradecall.candidates.emails import read_emails
from tradecall.lexicons import read_words
from tradecall.spoken_letters import LetterRun, find_letter_runs
from tradecall.spoken_numbers import NumberRun, align_reading, find_number_runs, written_digits
from tradecall.tokens import Tokens, tokenize
from tradecall.transcript import Span, Speaker, Transcript, Turn

_PAUSES = frozenset({",", "-", "–", "um", "uh", "er", "…", "..."})
_MARKS = frozenset("-–()")
_LONGEST_PAUSE = 3  # tokens
_READINGS = 3  # of each run that are tried for a phone
_MOST_RUNS = 11  # in one phone: said digit by digit, with pauses
_STREETS = frozenset("street avenue ave road boulevard drive lane court terrace floor".split())
_ORDINALS = {
    word: (digits, suffix)
    for words, suffix in (
        ("first=1", "st"),
        ("second=2", "nd"),
        ("third=3", "rd"),
        ("fourth=4 fifth=5 sixth=6 seventh=7 eighth=8 ninth=9 tenth=10 eleventh=11", "th"),
        ("twelfth=12 thirteenth=13 fourteenth=14 fifteenth=15 sixteenth=16", "th"),
        ("seventeenth=17 eighteenth=18 nineteenth=19 twentieth=20", "th"),
    )
    for word, digits in (pair.split("=") for pair in words.split())
}
_MONTHS = frozenset(
    "january february march april may june july august september october november december".split()
)
_CLOCK = frozenset("am pm a.m p.m a.m. p.m. a p".split())
_CAPITALS = frozenset({"capital", "cap", "uppercase"})
_OH = frozenset({"oh", "o"})


class _Cell(NamedTuple):
    """What tokens ``[first, last)`` write."""

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Form:
    """What a stretch of tokens writes, cell by cell, and what it may write instead."""

    first: int
    last: int
    cells: tuple[_Cell, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    others: tuple[str, ...]


@dataclass(frozen=True)
class WrittenText:
    """A text in its written form, and the way back to what was said.

    Attributes:
        text: The written form.
    """

    text: str
    _starts: tuple[int, ...]
    _ends: tuple[int, ...]
    _sources: tuple[Span, ...]
    _pieces: tuple[_Piece, ...]

    def source_span(self, start: int, end: int) -> Span:
        """Give the words that characters ``[start, end)`` were read from.

        Raises:
            ValueError: The characters do not lie within the text, or there are none.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"no characters [{start}, {end}) in {len(self.text)}")
        return Span(self._source(start).start, self._source(end - 1).end)

    def alternatives(self, start: int, end: int) -> tuple[str, ...]:
        """Give what may be written instead of characters ``[start, end)``, likeliest first.

        Each alternative differs in one place where speech was ambiguous; places that lie only
        partly within ``[start, end)`` are left as they are.
        """
        return tuple(
            self.text[start : piece.start] + other + self.text[piece.end : end]
            for piece in self._pieces
            if start <= piece.start and piece.end <= end
            for other in piece.others
        )

    def _source(self, position: int) -> Span:
        """Give what one character was read from: a cell's words, or itself."""
        cell = bisect_right(self._starts, position) - 1
        if cell >= 0 and position < self._ends[cell]:
            return self._sources[cell]
        shift = self._sources[cell].end - self._ends[cell] if cell >= 0 else 0
        return Span(position + shift, position + shift + 1)


def to_written_form(
    said: Tokens | Transcript | str,
    *,
    numbers: Sequence[NumberRun] | None = None,
    letters: Sequence[LetterRun] | None = None,
) -> WrittenText:
    """Write down what was said: digits, phones, spelled letters, e-mail addresses.

    Args:
        said: A call, cut into tokens or not, or plain text, of which each line is a turn.
        numbers: Its number runs, where they are known already.
        letters: Its letter runs, likewise.

    Returns:
        The text, whose spans count in ``Transcript.text`` (in ``said`` itself for plain text).
        Phones become "415-555-0132", numbers digits, letters a word in the case in which they were
        spelled. Numbers of one word stay words, but for house numbers.
    """
    if isinstance(said, str):
        lines = said.split("\n")
        said = Transcript(tuple(Turn(Speaker.UNKNOWN, line) for line in lines))
    tokens = tokenize(said) if isinstance(said, Transcript) else said
    numbers = find_number_runs(tokens) if numbers is None else numbers
    letters = find_letter_runs(tokens) if letters is None else letters
    forms = [
        *_emails(tokens, numbers, letters),
        *_letters_and_numbers(tokens, numbers, letters),
        *_ordinals(tokens),
    ]
    return _assemble(tokens, forms)


def _assemble(tokens: Tokens, forms: Sequence[_Form]) -> WrittenText:
    """Put forms in place of what they were read from; where two overlap the earlier in the list."""
    taken = bytearray(len(tokens))
    kept = []
    for form in forms:
        if not any(taken[form.first : form.last]):
            taken[form.first : form.last] = b"\1" * (form.last - form.first)
            kept.append(form)
    source = tokens.transcript.text
    texts: list[str] = []
    starts, ends, sources, pieces = [], [], [], []
    read, written = 0, 0
    for form in sorted(kept, key=lambda form: form.first):
        gap = source[read : tokens.start[form.first]]
        texts.append(gap)
        written += len(gap)
        begin = written
        for cell in form.cells:
            texts.append(cell.text)
            starts.append(written)
            written += len(cell.text)
            ends.append(written)
            sources.append(tokens.span(cell.first, cell.last))
        read = tokens.end[form.last - 1]
        pieces.append(_Piece(begin, written, form.others))
    texts.append(source[read:])
    return WrittenText("".join(texts), tuple(starts), tuple(ends), tuple(sources), tuple(pieces))


def _emails(
    tokens: Tokens, numbers: Sequence[NumberRun], letters: Sequence[LetterRun]
) -> Iterator[_Form]:
    for email in read_emails(tokens, numbers, letters):
        if email.last - email.first == 1:
            continue
        cells = (
            _Cell(email.local, email.first, email.at),
            _Cell(f"@{email.domain}", email.at, email.last),
        )
        others = tuple(
            _before(tokens, email.first, first) + f"{local}@{email.domain}"
            for first, local in email.others
        )
        yield _Form(email.first, email.last, cells, others)


def _letters_and_numbers(
    tokens: Tokens, numbers: Sequence[NumberRun], letters: Sequence[LetterRun]
) -> Iterator[_Form]:
    """Yield the forms of both kinds of run, the longer first: "o" is a letter and a digit."""
    forms = [*_numbers(tokens, numbers), *map(_Speller(tokens), letters)]
    yield from sorted(forms, key=lambda form: form.first - form.last)


class _Speller:
    """Writes letter runs in the case in which they were spelled."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def __call__(self, run: LetterRun) -> _Form:
        tokens = self.tokens
        if run.last - run.first == 1:  # "s.m.i.t.h" is written already
            return _Form(run.first, run.last, (_as_said(tokens, run.first, run.last),))
        begin = run.first
        if begin > tokens.bounds[run.turn][0] and tokens.lower[begin - 1] in _CAPITALS:
            begin -= 1
        cells: list[_Cell] = []
        places = sorted(set(run.places))
        for first, last in pairwise((*places, run.last)):
            text = "".join(
                char for char, place in zip(run.text, run.places, strict=True) if place == first
            )
            said = tokens.text[first]
            capital = first > begin and tokens.lower[first - 1] in _CAPITALS
            if capital or (len(said) == 1 and said.isupper()):
                text = text.upper()
            cells.append(_Cell(text, first if cells else begin, last))
        return _Form(begin, run.last, tuple(cells))


def _numbers(tokens: Tokens, runs: Sequence[NumberRun]) -> Iterator[_Form]:
    at = 0
    while at < len(runs):
        group = _glued(tokens, runs, at)
        for size in range(len(group), 0, -1):
            form = _dictated(tokens, group[:size])
            if form is not None:
                yield form
                at += size
                break
        else:
            yield _number(tokens, runs[at])
            at += 1


def _glued(tokens: Tokens, runs: Sequence[NumberRun], at: int) -> Sequence[NumberRun]:
    """Give the runs from ``at`` on that only pauses part."""
    last = at + 1
    while last < len(runs) and last - at < _MOST_RUNS:
        pause = tokens.lower[runs[last - 1].last : runs[last].first]
        same_turn = runs[last].turn == runs[at].turn
        if not same_turn or len(pause) > _LONGEST_PAUSE or not _PAUSES.issuperset(pause):
            break
        last += 1
    return runs[at:last]


def _dictated(tokens: Tokens, group: Sequence[NumberRun]) -> _Form | None:
    """Write runs as one phone, or as one number if they were dictated digit by digit."""
    choices: list[tuple[str, ...]] = [()]
    for run in group:
        choices = [
            (*choice, reading)
            for choice in choices
            for reading in run.readings[:_READINGS]
            if sum(map(len, choice)) + len(reading) <= 11
        ][: _READINGS**2]
    phones = [choice for choice in choices if _is_phone("".join(choice))]
    first, last = group[0].first, group[-1].last
    marked = last - first == 1 or not _MARKS.isdisjoint(tokens.lower[first:last])
    if marked and _is_written(tokens, first, last):
        return None
    if phones:
        begins_turn = first == tokens.bounds[group[0].turn][0]
        plus = not begins_turn and tokens.lower[first - 1] in ("plus", "+")
        plus = plus and len("".join(phones[0])) == 11
        phones = [choice for choice in phones if not plus or len("".join(choice)) == 11]
        begin = first - 1 if plus else first
        texts = [_with_marks("".join(choice), _phone_marks(choice)) for choice in phones]
        cells = _cells(tokens, group, phones[0])
        cells = _marked(cells, _phone_marks(phones[0]))
        if plus:
            cells = [_Cell("+", begin, first), *cells]
            texts = [f"+{text}" for text in texts]
        return _Form(begin, last, tuple(cells), tuple(texts[1:]))
    digitwise = all(_is_digitwise(tokens, run) for run in group)
    sizes = [len(run.digits) for run in group]
    if digitwise and len(group) > 1 and (sum(sizes) == 5 or sizes == [3, 4] or _is_slow(sizes)):
        cells = _cells(tokens, group, [run.digits for run in group])
        marks = {3: "-"} if sizes == [3, 4] else {}
        return _Form(first, last, tuple(_marked(cells, marks)))
    return None


def _is_written(tokens: Tokens, first: int, last: int) -> bool:
    return all(
        word in _PAUSES or word in _MARKS or written_digits(word)
        for word in tokens.lower[first:last]
    )


def _is_phone(digits: str) -> bool:
    return len(digits) == 10 or (len(digits) == 11 and digits[0] == "1")


def _is_slow(sizes: Sequence[int]) -> bool:
    return len(sizes) > 3 and max(sizes) == 1


def _is_digitwise(tokens: Tokens, run: NumberRun) -> bool:
    return all(len(cell.text) == 1 for cell in _cells(tokens, [run], [run.digits]))


def _phone_marks(choice: Sequence[str]) -> dict[int, str]:
    country = len("".join(choice)) - 10
    marks = {country + 3: "-", country + 6: "-"}
    return {1: " ", **marks} if country else marks


def _number(tokens: Tokens, run: NumberRun) -> _Form:
    """Write one run as a number, or leave its words with its digits as alternatives."""
    first, last, stop = run.first, run.last, tokens.bounds[run.turn][1]
    digits = run.digits
    words = [cell for cell in _cells(tokens, [run], [digits]) if cell.text]
    written = _is_written(tokens, first, last)
    after = tokens.lower[last] if last < stop else ""
    lone = len(words) == 1 and words[0].last - words[0].first == 1
    exclaimed = len(words) == 2 and tokens.lower[first] in _OH and after.isalpha()
    ordinal = _ordinal_after(tokens, last, stop, words[-1])
    house = ordinal is not None or _is_house_number(tokens, last, stop)
    if (
        (written and not _is_split_zip(tokens, run))
        or (lone and not written and not house)
        or exclaimed
    ):
        others = () if written else run.readings
        return _Form(first, last, (_as_said(tokens, first, last),), others)
    clock = {len(digits) - 2: ":"} if _is_time(digits) else {}
    marks = clock if after in _CLOCK else {}
    cells = _marked(words, marks)
    if ordinal is not None:
        text, suffix = ordinal
        kept = cells[-1].text[: -len(text)]
        cells[-1] = _Cell(f"{kept}{text}{suffix}", cells[-1].first, last + 1)
        return _Form(first, last + 1, tuple(cells))
    if words[0].first > first:
        cells.insert(0, _Cell(_before(tokens, first, words[0].first), first, words[0].first))
    if words[-1].last < last:
        after_words = tokens.transcript.text[tokens.end[words[-1].last - 1] : tokens.end[last - 1]]
        cells.append(_Cell(after_words, words[-1].last, last))
    others = (
        run.readings[1:] if marks or not clock else (_with_marks(digits, clock), *run.readings[1:])
    )
    return _Form(first, last, tuple(cells), others)


def _is_time(digits: str) -> bool:
    return len(digits) in (3, 4) and 0 < int(digits[:-2]) <= 12 and int(digits[-2:]) < 60


def _is_split_zip(tokens: Tokens, run: NumberRun) -> bool:
    """Tell "60 629" from "60,629"."""
    words = tokens.lower[run.first : run.last]
    return len(words) > 1 and len(run.digits) == 5 and _MARKS.isdisjoint(words)


def _is_house_number(tokens: Tokens, at: int, stop: int) -> bool:
    """Tell the "four" of "four elm street" from "two trees on the road"."""
    common = read_words("common_words")
    for place in range(at, min(at + 3, stop)):
        word = tokens.lower[place]
        if word in _STREETS:
            return place > at
        if word in common or not word.isalpha():
            return False
    return False


def _ordinal_after(tokens: Tokens, at: int, stop: int, cell: _Cell) -> tuple[str, str] | None:
    """Give digits and suffix of the "third" of "twenty third", if it belongs to the number."""
    found = _ORDINALS.get(tokens.lower[at]) if at < stop else None
    if found is None or not cell.text.endswith("0" * len(found[0])) or cell.text == "0":
        return None
    if len(found[0]) == 2 and not cell.text.endswith("00"):
        return None
    street = at + 1 < stop and tokens.lower[at + 1] in _STREETS
    month = tokens.lower[cell.first - 1] in _MONTHS if cell.first else False
    return found if street or month or tokens.lower[at] != "second" else None


def _ordinals(tokens: Tokens) -> Iterator[_Form]:
    """Yield "fifth street", "twelfth avenue"; other ordinals of one word stay words."""
    for at in range(len(tokens) - 1):
        found = _ORDINALS.get(tokens.lower[at])
        same_turn = tokens.turn[at] == tokens.turn[at + 1]
        if found is not None and same_turn and tokens.lower[at + 1] in _STREETS:
            yield _Form(at, at + 1, (_Cell("".join(found), at, at + 1),))


def _cells(tokens: Tokens, runs: Sequence[NumberRun], readings: Sequence[str]) -> list[_Cell]:
    return [
        _Cell(digits, first, last)
        for run, reading in zip(runs, readings, strict=True)
        for first, last, digits in align_reading(tokens, run, reading)
        if digits
    ]


def _marked(cells: Sequence[_Cell], marks: Mapping[int, str]) -> list[_Cell]:
    """Put marks between digits: "555" with {0: "-"} becomes "-555"."""
    marked, count = [], 0
    for cell in cells:
        text = ""
        for char in cell.text:
            text += marks.get(count, "") + char
            count += 1
        marked.append(_Cell(text, cell.first, cell.last))
    return marked


def _with_marks(digits: str, marks: Mapping[int, str]) -> str:
    return "".join(marks.get(count, "") + char for count, char in enumerate(digits))


def _as_said(tokens: Tokens, first: int, last: int) -> _Cell:
    span = tokens.span(first, last)
    return _Cell(tokens.transcript.quote(span), first, last)


def _before(tokens: Tokens, first: int, last: int) -> str:
    """Give what was said from one token up to another, with the space before that."""
    return tokens.transcript.text[tokens.start[first] : tokens.start[last]]
