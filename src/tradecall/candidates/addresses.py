"""Where the work is: street, city and state with evidence, ``find_addresses()``.

A street is a house number, said in any way, and the words after it up to a street suffix, over
turns where the other side only echoes; what was spelled replaces what was heard. Cities come from
the places table; a state is given only where somebody said it. Features tell the ranker in answer
to what a place was said, what stands beside it and whether the ZIP codes of the call agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log1p

from rapidfuzz.distance import Levenshtein

from tradecall.candidates.candidate import Candidate, JobField
from tradecall.lexicons import read_words
from tradecall.places import CityMention, Places, StateMention, ZipArea, city_key, find_state
from tradecall.spoken_letters import LetterRun
from tradecall.spoken_numbers import NumberRun
from tradecall.tokens import Tokens
from tradecall.transcript import Span, Speaker

_SHARED = (
    "caller_mentions",
    "agent_mentions",
    "other_mentions",
    "mention_share",
    "last_mention",
    "first_mention",
    "position",
    "rivals",
    "asked_before",
    "asked_earlier",
    "topic_in_turn",
    "zip_asked_before",
    "confirmed_after",
    "denied_after",
    "echoed",
    "elsewhere_words",
    "after_not",
    "after_in",
    "after_from",
    "turn_opens",
    "turn_short",
    "zip_near",
    "state_next",
)
FEATURE_NAMES: Mapping[JobField, tuple[str, ...]] = {
    JobField.STREET: (
        *_SHARED,
        "has_suffix",
        "plain_suffix",
        "name_words",
        "common_words",
        "digits",
        "number_reading",
        "number_joined",
        "homophone_dropped",
        "suffix_common",
        "first_word_common",
        "cut_short",
        "crosses_turns",
        "has_unit",
        "unit_dropped",
        "respelled",
        "spelled_words",
        "ends_at_pause",
        "longest_of_number",
        "city_next",
    ),
    JobField.CITY: (
        *_SHARED,
        "words",
        "common_word",
        "size",
        "zip_fits",
        "zip_preferred_city",
        "zip_asked_fits",
        "zip_misfits",
        "area_code_fits",
        "states",
        "after_street",
        "in_street",
        "in_company_name",
        "in_longer",
        "capitalised",
        "is_state_name",
        "its_state_next",
        "after_name_cue",
        "spelled_next",
        "cut_short",
    ),
    JobField.STATE: (
        *_SHARED,
        "abbreviation",
        "written_capitals",
        "after_city",
        "after_its_city",
        "zip_fits",
        "zip_asked_fits",
        "zip_misfits",
        "area_code_fits",
        "is_city_name",
        "one_word",
        "followed_by_one",
    ),
}

_ADDRESS_WORDS = frozenset(
    (
        "address street located location where house live lives property direccion place home "
        "whereabouts road duplex headed going send"
    ).split()
)
_CITY_WORDS = frozenset("city town where located live whereabouts area ciudad pueblo".split())
_ZIP_WORDS = frozenset(["zip", "postal", "zipcode"])
_ELSEWHERE = frozenset(
    (
        "bill bills billing mail mailing mails moved old office used work works from daughter son "
        "brother sister cousin store born grew originally company partner visiting "
        "vacation drove"
    ).split()
)
_NAME_CUES = frozenset(
    "name names mr mrs ms miss mister misses called is this im i'm hi hey hello thanks".split()
)
_YES = frozenset(
    "yes yeah yep yup correct right exactly yessir uh-huh si sí that's thats is".split()
)
_NO = frozenset(["no", "nope", "not", "wait"])
_PAUSES = frozenset({".", ",", "?", "!", ";", "...", "…", "-"})
_HARD_PAUSES = frozenset({".", "?", "!", ";", "...", "…"})
_AFTER_STREET = frozenset(
    "in and its it's zip the thats that's near off by here over up out yes".split()
)
_NOT_STREET = frozenset(
    (
        "dollars dollar bucks hours hour minutes minute years year days day weeks week months "
        "month feet foot inch inches percent degrees pounds square gallon gallons people times am "
        "pm a.m p.m and or to of is the for at on i it we you he she they that this so but oclock "
        "o'clock bedroom bedrooms bath story stories amp amps ton tons volt volts by ish "
        "something more hundred thousand kids dogs cats guys feet's panels windows okay then"
    ).split()
)
_UNIT_WORDS = {
    "lot": "Lot",
    "unit": "Unit",
    "apartment": "Apt",
    "apt": "Apt",
    "apartamento": "Apt",
    "suite": "Ste",
    "ste": "Ste",
    "space": "Unit",
    "trailer": "Lot",
    "number": "Unit",
    "#": "Unit",
}
_HOMOPHONES = {"to": "2", "too": "2", "two": "2", "for": "4", "won": "1", "ate": "8", "one": "1"}
_PLAIN_SUFFIXES = frozenset(
    (
        "street avenue road drive lane court boulevard place circle terrace highway parkway way "
        "st ave rd dr ln ct blvd pl cir hwy pkwy"
    ).split()
)
_MAX_NAME_WORDS = 4


@dataclass(slots=True)
class _Heard:
    """Everything gathered about one value."""

    value: str
    features: dict[str, float]
    spans: list[tuple[int, int]] = field(default_factory=list)
    speakers: list[Speaker] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Street:
    number: str
    words: tuple[str, ...]
    unit: str
    spans: tuple[tuple[int, int], ...]
    features: Mapping[str, float]

    @property
    def value(self) -> str:
        name = " ".join(_title(word) for word in self.words)
        return f"{self.number} {name}{' ' + self.unit if self.unit else ''}"


def find_addresses(
    tokens: Tokens,
    numbers: Sequence[NumberRun],
    letters: Sequence[LetterRun],
    places: Places,
    zip_codes: Sequence[str] = (),
) -> list[Candidate]:
    """Find streets, cities and states, each with features for the ranker.

    Args:
        tokens: The call.
        numbers: Its number runs.
        letters: Its spelled letters.
        places: The table of places.
        zip_codes: Further ZIP codes the service location may have, besides every five digits of
            the call that are one.

    Returns:
        Candidates of the three fields. Streets and cities are in title case, states are two
        letters.
    """
    return _Finder(tokens, numbers, letters, places, zip_codes).candidates()


class _Finder:
    def __init__(
        self,
        tokens: Tokens,
        numbers: Sequence[NumberRun],
        letters: Sequence[LetterRun],
        places: Places,
        zip_codes: Sequence[str],
    ) -> None:
        self.tokens = tokens
        self.numbers = numbers
        self.letters = letters
        self.places = places
        self.turns = tokens.transcript.turns
        self.word_sets = [frozenset(tokens.words(turn)) for turn in range(len(self.turns))]
        self.common = read_words("common_words")
        self.suffixes = read_words("street_suffixes")
        self.run_before = self._runs_before()
        self.zips = self._zips()
        self.zip_tokens = {first for first, _, _, _ in self.zips}
        self.around_zip = {
            token for _, last, _, _ in self.zips for token in range(last - 6, last + 7)
        }
        asked_codes = {code for _, _, code, asked in self.zips if asked}
        codes = {code for _, _, code, _ in self.zips} | set(zip_codes)
        known = (places.zip_area(code) for code in sorted(codes))
        self.areas = [_Area(info) for info in known if info is not None]
        self.asked_areas = [area for area in self.areas if area.info.code in asked_codes]
        caller_id = "".join(filter(str.isdigit, tokens.transcript.metadata.caller_id or ""))
        self.area_states = places.states_of_area_code(caller_id[-10:-7])
        company = (tokens.transcript.metadata.company_name or "").lower()
        self.company_words = frozenset(company.replace("'", "").split())
        self.spelled_starts = {run.first for run in letters if run.letters >= 3}
        self.run_at = {run.first: run for run in numbers}
        self.spelled_in: dict[int, list[str]] = {}
        for run in letters:
            if run.letters >= 3:
                text = "".join(filter(str.isalpha, run.text))
                self.spelled_in.setdefault(run.turn, []).append(text)
        self.in_street: set[int] = set()
        self.after_street: set[int] = set()

    def candidates(self) -> list[Candidate]:
        streets = self._gather_streets()
        return [*streets, *self._gather_places()]

    # -- what the call says around a token ------------------------------------------------

    def _zips(self) -> list[tuple[int, int, str, bool]]:
        """List possible ZIP codes: first token, last token, code, whether a ZIP was asked for."""
        found: list[tuple[int, int, str, bool]] = []
        for run in self.numbers:
            options = [(run.first, reading) for reading in run.readings]
            chunks, earlier = run.readings[0], self.run_before.get(run.first)
            while earlier is not None and len(chunks) < 9:
                chunks = earlier.readings[0] + chunks
                options.append((earlier.first, chunks))
                earlier = self.run_before.get(earlier.first)
            for first, digits in options:
                asked = self._topic(self.tokens.turn[first], _ZIP_WORDS, 2)
                code = digits[:5]
                whole = len(digits) in (5, 9) or (asked and 5 < len(digits) < 12)
                if whole and self.places.is_zip(code):
                    found.append((first, run.last, code, asked))
        return found

    def _runs_before(self) -> dict[int, NumberRun]:
        """Map the first token of a run to the same speaker's run just before it.

        They may be one number with a pause, or with the other side's echo, between.
        """
        before: dict[int, NumberRun] = {}
        latest: dict[Speaker, NumberRun] = {}
        for run in self.numbers:
            speaker = self.turns[run.turn].speaker
            earlier = latest.get(speaker)
            latest[speaker] = run
            if earlier is None:
                continue
            if earlier.turn == run.turn:
                near = run.first - earlier.last <= 2
            else:
                ends = earlier.last == self.tokens.bounds[earlier.turn][1]
                near = ends and run.turn - earlier.turn == 2
            if near:
                before[run.first] = earlier
        return before

    def _topic(self, turn: int, words: frozenset[str], back: int = 1) -> bool:
        """Tell whether a turn, or one of the ``back`` turns before it, holds one of the words."""
        return any(
            not words.isdisjoint(self.word_sets[index])
            for index in range(max(0, turn - back), turn + 1)
        )

    def _reply(self, turn: int) -> tuple[bool, bool]:
        """Tell whether the next turn opens with yes, with no."""
        if turn + 1 >= len(self.turns):
            return False, False
        first, last = self.tokens.bounds[turn + 1]
        opening = set(self.tokens.lower[first : min(first + 3, last)])
        return bool(opening & _YES), bool(opening & _NO)

    def _context(self, first: int, last: int, topic: frozenset[str]) -> dict[str, float]:
        """Describe how tokens ``[first, last)`` were said."""
        tokens = self.tokens
        turn = tokens.turn[first]
        begin, end = tokens.bounds[turn]
        before = tokens.lower[max(begin, first - 3) : first]
        yes, no = self._reply(turn)
        previous = self.word_sets[turn - 1] if turn else frozenset()
        near = tokens.lower[max(begin, first - 8) : first]
        return {
            "position": first / max(1, len(tokens)),
            "asked_before": float(not topic.isdisjoint(previous)),
            "asked_earlier": float(self._topic(turn, topic, 3)),
            "topic_in_turn": float(not topic.isdisjoint(self.word_sets[turn])),
            "zip_asked_before": float(self._topic(turn, _ZIP_WORDS, 1)),
            "confirmed_after": float(yes),
            "denied_after": float(no),
            "elsewhere_words": float(sum(word in _ELSEWHERE for word in near)),
            "after_not": float("not" in before or "isn't" in before),
            "after_in": float("in" in before[-1:]),
            "after_from": float("from" in before),
            "turn_opens": float(first - begin <= 1),
            "turn_short": float(end - begin <= 6),
            "zip_near": float(
                any(token in self.zip_tokens for token in range(last, min(last + 6, end)))
                or first in self.around_zip
            ),
            "state_next": float(self._state_at(last, end) is not None),
        }

    def _state_at(self, at: int, end: int) -> StateMention | None:
        """Give the state named from token ``at`` on, be it after a comma or full stop."""
        tokens = self.tokens
        if at < end and tokens.lower[at] in (",", "."):
            at += 1
        if at >= end:
            return None
        state = find_state([word.replace(".", "") for word in tokens.lower[at : at + 4]])
        if state is None or at + state.last > end:
            return None
        word = tokens.text[at]
        is_word = len(word) == 2 and word.lower() in self.common and not word.isupper()
        return None if state.is_abbreviation and is_word else state

    def _add(
        self,
        pool: dict[str, _Heard],
        key: str,
        value: str,
        row: Mapping[str, float],
        spans: Iterable[tuple[int, int]],
        speaker: Speaker,
    ) -> None:
        known = pool.get(key)
        if known is None:
            known = pool[key] = _Heard(value, dict(row))
        else:
            for name, number in row.items():
                if number > known.features.get(name, 0.0):
                    known.features[name] = number
        spans = list(spans)
        if spans and spans[0] not in known.spans:
            known.spans.extend(spans)
            known.speakers.append(speaker)

    def _finish(self, pool: dict[str, _Heard], job_field: JobField) -> list[Candidate]:
        total = sum(len(heard.speakers) for heard in pool.values())
        latest = max((heard.spans[-1][0] for heard in pool.values()), default=0)
        earliest = min((heard.spans[0][0] for heard in pool.values()), default=0)
        found = []
        for heard in sorted(pool.values(), key=lambda heard: heard.spans[0]):
            by_agent = heard.speakers.count(Speaker.AGENT)
            by_caller = heard.speakers.count(Speaker.CALLER)
            heard.features |= {
                "agent_mentions": float(by_agent),
                "caller_mentions": float(by_caller),
                "other_mentions": float(len(heard.speakers) - by_agent - by_caller),
                "echoed": float(by_agent > 0 and by_caller > 0),
                "mention_share": len(heard.speakers) / max(1, total),
                "last_mention": float(heard.spans[-1][0] == latest),
                "first_mention": float(heard.spans[0][0] == earliest),
                "rivals": float(len(pool)),
            }
            found.append(
                Candidate(job_field, heard.value, self._evidence(heard.spans), heard.features)
            )
        return found

    def _evidence(self, spans: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
        return tuple(dict.fromkeys(self.tokens.span(first, last) for first, last in sorted(spans)))

    # -- streets --------------------------------------------------------------------------

    def _gather_streets(self) -> list[Candidate]:
        pool: dict[str, _Heard] = {}
        for run in (*self.numbers, *self._lone_homophones()):
            for street in self._streets_at(run):
                speaker = self.turns[run.turn].speaker
                self._add(
                    pool, street.value.lower(), street.value, street.features, street.spans, speaker
                )
        beginnings = _beginnings(pool)
        for key, heard in pool.items():
            heard.features["cut_short"] = float(key in beginnings)
        return self._finish(pool, JobField.STREET)

    def _streets_at(self, run: NumberRun) -> Iterator[_Street]:
        """Read the streets whose house number is, or ends with, a number run."""
        names = list(self._names_after(run.last, run.turn))
        if not names:
            return
        house_numbers = list(self._house_numbers(run))
        if not house_numbers:
            return
        context = self._context(run.first, run.last, _ADDRESS_WORDS)
        longest = max(len(words) for words, *_ in names)
        for words, spans, end, row in names:
            unit, unit_end = self._unit_after(end)
            row = row | {"longest_of_number": float(len(words) == longest)}
            turn_end = self.tokens.bounds[self.tokens.turn[end - 1]][1]
            row["state_next"] = float(self._state_at(end, turn_end) is not None)
            row["city_next"] = float(self._city_at(end))
            self.in_street.update(range(run.last, end))
            self.after_street.update((end, end + 1, unit_end, unit_end + 1))
            for number, number_span, number_row in house_numbers:
                features = context | row | number_row | {"digits": float(len(number))}
                places = (*number_span, *spans)
                for spelled, share in self._respelled(words, end):
                    more = features | share
                    if unit:
                        with_unit = (*places, (end, unit_end)) if unit_end > end else places
                        yield _Street(number, spelled, unit, with_unit, more | {"has_unit": 1.0})
                        more = more | {"unit_dropped": 1.0}
                    yield _Street(number, spelled, "", places, more)

    def _lone_homophones(self) -> Iterator[NumberRun]:
        """Read "too troy loaf" in answer to a question for the address as a house number."""
        taken = {token for run in self.numbers for token in range(run.first, run.last)}
        for turn, (first, last) in enumerate(self.tokens.bounds):
            if first in taken or last - first < 3 or not self._topic(turn, _ADDRESS_WORDS):
                continue
            digit = _HOMOPHONES.get(self.tokens.lower[first])
            if digit and self.tokens.lower[first + 2] in self.suffixes:
                yield NumberRun(first, first + 1, turn, (digit,))

    def _house_numbers(
        self, run: NumberRun
    ) -> Iterator[tuple[str, tuple[tuple[int, int], ...], dict[str, float]]]:
        span = (run.first, run.last)
        seen = set()
        for order, digits in enumerate(run.readings[:3]):
            if 1 <= len(digits) <= 6 and digits[0] != "0" and digits not in seen:
                seen.add(digits)
                # No preposition stands between house number and street: that "to" is a 2.
                longer = any(
                    len(other) == len(digits) + 1 and other.startswith(digits)
                    for other in run.readings
                )
                yield (
                    digits,
                    (span,),
                    {
                        "number_reading": float(order),
                        "homophone_dropped": float(
                            longer and self.tokens.lower[run.last - 1] in _HOMOPHONES
                        ),
                    },
                )
        earlier = self.run_before.get(run.first)
        if earlier is not None:
            joined = earlier.readings[0] + run.readings[0]
            if 2 <= len(joined) <= 6 and joined[0] != "0" and joined not in seen:
                yield joined, ((earlier.first, earlier.last), span), {"number_joined": 1.0}

    def _names_after(
        self, at: int, turn: int
    ) -> Iterator[tuple[tuple[str, ...], tuple[tuple[int, int], ...], int, dict[str, float]]]:
        """Read street names from token ``at`` on: (words, spans, token after, features)."""
        tokens = self.tokens
        end = tokens.bounds[turn][1]
        words: list[str] = []
        position = at
        suffixes = self.suffixes
        found = False
        while position < end and len(words) <= _MAX_NAME_WORDS:
            word = tokens.lower[position]
            if not word[0].isalpha() or (not words and word in _NOT_STREET):
                break
            words.append(word)
            position += 1
            if len(words) > 1 and word in suffixes:
                found = True
                yield self._name(words, ((at, position),), position, end, suffix=True)
        if position >= end and len(words) <= 3 and (words or self._topic(turn, _ADDRESS_WORDS, 3)):
            for later in self._continuations(words, turn):
                found = True
                words_there, span = later
                stop = tokens.bounds[tokens.turn[span[0]]][1]
                spans = ((at, position), span) if words else (span,)
                yield self._name(words_there, spans, span[1], stop, suffix=True, crosses=True)
        if found or not words:
            return
        if not self._topic(turn, _ADDRESS_WORDS, 2):
            return
        for size in range(1, min(len(words), 3) + 1):
            after = tokens.lower[at + size] if at + size < end else "."
            if after in _PAUSES or after in _AFTER_STREET or self._city_at(at + size):
                yield self._name(words[:size], ((at, at + size),), at + size, end, suffix=False)

    def _name(
        self,
        words: Sequence[str],
        spans: tuple[tuple[int, int], ...],
        position: int,
        end: int,
        *,
        suffix: bool,
        crosses: bool = False,
    ) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...], int, dict[str, float]]:
        body = words[:-1] if suffix else words
        row = {
            "has_suffix": float(suffix),
            "plain_suffix": float(words[-1] in _PLAIN_SUFFIXES),
            "name_words": float(len(words)),
            "common_words": float(sum(word in self.common for word in body)),
            "first_word_common": float(words[0] in self.common),
            "suffix_common": float(words[-1] in self.common and words[-1] not in _PLAIN_SUFFIXES),
            "crosses_turns": float(crosses),
            "ends_at_pause": float(
                position >= end or self.tokens.lower[position] in (*_PAUSES, "in", "and")
            ),
        }
        return tuple(words), spans, position, row

    def _continuations(
        self, words: list[str], turn: int
    ) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
        """Finish a name that a turn's end cut off with the same speaker's next words."""
        tokens = self.tokens
        speaker = self.turns[turn].speaker
        suffixes = self.suffixes
        for later in (turn + 1, turn + 2):
            if later >= len(self.turns) or self.turns[later].speaker != speaker:
                continue
            first, last = tokens.bounds[later]
            here = tokens.lower[first : min(first + 12, last)]
            if words and here and here[0] in suffixes:
                yield (*words, here[0]), (first, first + 1)
            for offset, word in enumerate(here[:-1]):
                # "eight oh two oconnell" … "no just one word oconnell trafficway"
                if words and word == words[-1] and here[offset + 1] in suffixes:
                    yield (*words, here[offset + 1]), (first + offset, first + offset + 2)
            if len(here) > 1 and here[0].isalpha() and here[1] in suffixes:
                yield (*words, *here[:2]), (first, first + 2)

    def _unit_after(self, at: int) -> tuple[str, int]:
        """Read "lot twenty three", "apartment b" at token ``at``; ("", at) where there is none."""
        tokens = self.tokens
        turn = tokens.turn[at - 1]
        end = tokens.bounds[turn][1]
        position = at
        while position < end and tokens.lower[position] in (",", "-"):
            position += 1
        if position + 1 >= end:
            return "", at
        word = tokens.lower[position]
        kind = _UNIT_WORDS.get(word)
        if kind is None:
            return "", at
        position += 1
        if tokens.lower[position] == "number" and position + 1 < end:
            position += 1
        run = self.run_at.get(position)
        if run is not None:
            return f"{kind} {run.readings[0]}", run.last
        said = tokens.lower[position]
        if said in _HOMOPHONES:
            return f"{kind} {_HOMOPHONES[said]}", position + 1
        if len(said) == 1 and said.isalpha():
            return f"{kind} {said.upper()}", position + 1
        return "", at

    def _respelled(
        self, words: tuple[str, ...], at: int
    ) -> Iterator[tuple[tuple[str, ...], dict[str, float]]]:
        """Give the name as heard, and as spelled nearby."""
        turn = self.tokens.turn[at - 1]
        runs = [text for near in range(turn, turn + 7) for text in self.spelled_in.get(near, ())]
        spelled = sum(word in runs for word in words)
        yield words, {"spelled_words": float(spelled)}
        for index, word in enumerate(words[:-1]):
            for text in runs:
                likeness = Levenshtein.normalized_similarity(word, text)
                if 0.6 <= likeness < 1.0:
                    mended = (*words[:index], text, *words[index + 1 :])
                    yield mended, {"respelled": 1.0, "spelled_words": float(spelled + 1)}

    # -- cities and states ----------------------------------------------------------------

    def _city_at(self, at: int) -> bool:
        tokens = self.tokens
        if at >= len(tokens):
            return False
        end = tokens.bounds[tokens.turn[at]][1]
        while at < end and tokens.lower[at] in (",", "in"):
            at += 1
        if at >= end or tokens.lower[at] in self.common:
            return False
        return self.places.find_cities(tokens.lower[at : min(at + 4, end)]) is not None

    def _gather_places(self) -> list[Candidate]:
        cities: dict[str, _Heard] = {}
        states: dict[str, _Heard] = {}
        for turn, (begin, end) in enumerate(self.tokens.bounds):
            words = [word.replace(".", "") or word for word in self.tokens.lower[begin:end]]
            speaker = self.turns[turn].speaker
            covered = 0
            city: CityMention | None = None
            for offset, word in enumerate(words):
                state = find_state(words, offset)
                if state is not None and self._is_state(words, state, begin, city):
                    row = self._state_row(begin, state, city)
                    span = (begin + offset, begin + state.last)
                    self._add(states, state.code, state.code, row, [span], speaker)
                mention = self.places.find_cities(words, offset)
                if mention is None or (mention.last - offset == 1 and word in _NEVER_CITY):
                    continue
                row = self._city_row(mention, begin, words)
                if not row:
                    continue
                row["in_longer"] = float(offset < covered)
                row["is_state_name"] = float(
                    state is not None and state.last >= mention.last and not state.is_abbreviation
                )
                covered = max(covered, mention.last)
                city = mention
                span = (begin + mention.first, begin + mention.last)
                self._add(cities, mention.name, mention.name, row, [span], speaker)
        beginnings = _beginnings(cities)
        for name, heard in cities.items():
            heard.features["cut_short"] = float(name in beginnings)
        return [*self._finish(cities, JobField.CITY), *self._finish(states, JobField.STATE)]

    def _city_row(self, mention: CityMention, begin: int, words: Sequence[str]) -> dict[str, float]:
        """Describe a city's mention; empty for a common word where no city would stand."""
        tokens = self.tokens
        first, last = begin + mention.first, begin + mention.last
        key = city_key(mention.name)
        state = self._state_at(last, begin + len(words))
        fits = any(key in area.keys for area in self.areas)
        common = all(word in self.common for word in words[mention.first : mention.last])
        if common and not fits:
            after_street = first in self.after_street and words[mention.first - 1] == "in"
            if not after_street and (state is None or state.code not in mention.states):
                return {}
        near = tokens.lower[max(begin, first - 3) : first]
        return self._context(first, last, _CITY_WORDS) | {
            "its_state_next": float(state is not None and state.code in mention.states),
            "words": float(last - first),
            "common_word": float(common),
            "size": log1p(self.places.zips_of_city(mention.name)),
            "zip_fits": float(fits),
            "zip_preferred_city": float(any(area.info.city == mention.name for area in self.areas)),
            "zip_asked_fits": float(any(key in area.keys for area in self.asked_areas)),
            "zip_misfits": float(bool(self.asked_areas) and not fits),
            "area_code_fits": float(bool(self.area_states & mention.states)),
            "states": float(len(mention.states)),
            "after_street": float(first in self.after_street),
            "in_street": float(first in self.in_street),
            "in_company_name": float(
                all(word in self.company_words for word in tokens.lower[first:last])
            ),
            "capitalised": float(tokens.text[first][0].isupper()),
            "after_name_cue": float(not _NAME_CUES.isdisjoint(near)),
            "spelled_next": float(not self.spelled_starts.isdisjoint(range(last, last + 3))),
        }

    def _is_state(
        self, words: list[str], state: StateMention, begin: int, city: CityMention | None
    ) -> bool:
        """Tell a state's abbreviation from words such as "in", "or", "me"."""
        first = state.first
        if not state.is_abbreviation or len(words[first]) > 2:
            return True
        if city is None:
            return False
        written = self.tokens.text[begin + first]
        gap = first - city.last - (words[first - 1] == ",")
        if 0 < gap < 4:  # "Thornton, yes. PA."
            return written.isupper() and len(written) == 2 and words[first] not in self.common
        if gap > 0:
            return False
        return state.last - first > 1 or words[first] not in self.common or written.isupper()

    def _state_row(
        self, begin: int, state: StateMention, city: CityMention | None
    ) -> dict[str, float]:
        tokens = self.tokens
        first, last = begin + state.first, begin + state.last
        after_city = city is not None and 0 <= state.first - city.last <= 1
        asked_states = {area.info.state for area in self.asked_areas}
        end = tokens.bounds[tokens.turn[first]][1]
        name = " ".join(tokens.lower[first:last])
        return self._context(first, last, _CITY_WORDS) | {
            "abbreviation": float(state.is_abbreviation),
            "written_capitals": float(tokens.text[first][0].isupper()),
            "after_city": float(after_city),
            "after_its_city": float(city is not None and after_city and state.code in city.states),
            "zip_fits": float(any(area.info.state == state.code for area in self.areas)),
            "zip_asked_fits": float(state.code in asked_states),
            "zip_misfits": float(bool(asked_states) and state.code not in asked_states),
            "area_code_fits": float(state.code in self.area_states),
            "is_city_name": float(bool(self.places.states_of_city(name))),
            "one_word": float(last - first == 1),
            "followed_by_one": float(last < end and tokens.lower[last] in ("one", "won", "number")),
        }


def _beginnings(names: Iterable[str]) -> set[str]:
    """Give every shorter name that one of the names begins with, word by word."""
    found: set[str] = set()
    for name in names:
        words = name.split()
        found.update(" ".join(words[:size]) for size in range(1, len(words)))
    return found


class _Area:
    """A ZIP code of the call: what is known of it, and the keys of its cities."""

    def __init__(self, info: ZipArea) -> None:
        self.info = info
        self.keys = frozenset(city_key(name) for name in (info.city, *info.other_cities))


# Cities in the table, but far too often something else to be looked at one by one.
_NEVER_CITY = frozenset(
    (
        "the a in on it is and or to of for we you i my he she they me us so no yes call home "
        "okay ok good one two three four five six seven eight nine ten what we're all"
    ).split()
)


def _title(word: str) -> str:
    return word[:1].upper() + word[1:]
