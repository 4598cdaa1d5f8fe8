"""The digit dialogue: phones and ZIP codes out of chunks said, echoed and corrected over turns.

A caller dictates a number in pieces; the agent repeats each piece, or all of it, sometimes wrongly;
somebody corrects a piece or one digit; an area code comes late. We model just that. A *hypothesis*
is the number as understood so far. Every chunk of digits may extend it, confirm it, correct it, put
an area code before it, or have nothing to do with it, each at a price, and a small beam of
hypotheses is carried through the call. Whatever was complete at some moment becomes a candidate;
how it came about becomes its features, and a trained ranker decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from operator import ne
from typing import NamedTuple

from tradecall.candidates.candidate import Candidate, JobField
from tradecall.places import Places, find_state
from tradecall.spoken_numbers import NumberRun
from tradecall.tokens import Tokens
from tradecall.transcript import Span, Speaker


class Topic(StrEnum):
    """What a number is said to be about by the words around it."""

    PHONE = "phone"
    ZIP = "zip"
    STREET = "street"
    EMAIL = "email"
    OTHER = "other"
    NONE = "none"


def _topics(entries: dict[Topic, str]) -> dict[str, Topic]:
    return {word: topic for topic, words in entries.items() for word in words.split()}


_TOPIC_WORDS = _topics(
    {
        Topic.PHONE: "phone phones telephone cell cellphone mobile callback landline reach area "
        "text texts dial telefono celular teléfono",
        Topic.ZIP: "zip zipcode zips postal postcode",
        Topic.STREET: "address street road avenue drive lane house",
        Topic.EMAIL: "email e-mail mail gmail yahoo hotmail outlook aol icloud",
        Topic.OTHER: "card credit visa mastercard debit expires expiration expiring cvv model "
        "serial claim policy order invoice gate code keypad lockbox account ticket confirmation "
        "license permit quote estimate reference po unit tag vin dollars bucks dollar percent feet "
        "foot square inch inches gallon gallons pounds degrees amp amps volt volts year years old "
        "pm am oclock o'clock ton tons hours minutes days weeks months case routing security "
        "social membership member birthday",
    }
)
# "number" and "call" speak of phones unless a closer word speaks of something else.
_WEAK_PHONE = frozenset({"number", "numbers", "call", "calling", "called", "line"})
_UNITS_AFTER = frozenset(
    "dollars bucks percent feet foot ft square inch inches gallon gallons pounds degrees amp amps "
    "volt volts year years pm am oclock o'clock ton tons hours minutes days weeks months hundred "
    "miles people kids windows doors rooms times stories story bedroom bedrooms cents "
    "by".split()
)
_FILLERS = frozenset(
    "uh um er ah hmm mm okay ok yeah yes yep and then so its it's it is that's thats , . - ... ' "
    "the 's dash space".split()
)
_CORRECTIONS = frozenset(
    "no not nope sorry wait actually correction scratch strike mean rather instead oops wrong hang "
    "excuse misspoke backwards flipped switched swapped change fix meant".split()
)
_AFFIRMATIONS = frozenset(
    "yes yeah yep yup yessir correct right perfect exactly uh-huh mm-hm mhm mmhm mm sure si sí "
    "absolutely bingo affirmative ok okay that's thats it's sounds got".split()
)
_NEGATIONS = frozenset("no nope not nah wait sorry wrong actually uh-uh almost".split())
_PREFER = frozenset(
    "best better good use reach cell mobile prefer preferred instead always text this mine "
    "answer pick".split()
)
_REJECT = frozenset(
    "old work office don't dont not landline disconnected used former ex-husband fax never "
    "nobody former store shop daughter's son's our us we website".split()
)
_OTHER_PLACE = frozenset(
    "bill billing bills mail mailing old used moved office mother's sister's parents other "
    "before winter summer our we cover service card statement po".split()
)
_SERVICE_PLACE = frozenset("house job property service work here there site".split())
_CALLING_FROM = (
    ("calling", "from"),
    ("calling", "on"),
    ("calling", "you"),
    ("called", "from"),
    ("calling", "in"),
    ("call", "from"),
    ("this", "number"),
    ("this", "phone"),
    ("this", "one"),
    ("same", "number"),
    ("caller", "id"),
    ("called", "in"),
    ("my", "screen"),
    ("you're", "on"),
    ("youre", "on"),
    ("i'm", "on"),
    ("im", "on"),
    ("this", "line"),
    ("the", "screen"),
    ("came", "up"),
    ("you", "have"),
    ("shows", "up"),
    ("comes", "up"),
)
_BREAKS = frozenset(". ; ? ! but and though while".split())
_EXPLAINING = frozenset(
    "is was are for that's thats that it's its 's , . no yes yeah goes would where works".split()
)
_ALIKE = 3  # digits
_COMPARED = (
    "tail_by_caller",
    "tail_by_agent",
    "said_by_caller",
    "said_by_agent",
    "affirmed",
    "confirmed",
    "superseded",
)
_SAME_PLACE = 3  # turns between two chunks of one mention
_ENDING = frozenset("ending ends end ended last finishing".split())

_PHONE = 10  # digits
_ZIP = 5
_BEAM = 14
_TOPIC_LASTS = 6  # turns
_MAX_GAP = 9  # turns without a digit after which a half-said number is given up
_EXPLAIN = 12  # tokens before and after a number whose words say what it is


class Side(StrEnum):
    """The two sides of a call: recordings speak for the company, spouses for the customer."""

    COMPANY = "company"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of digits in its place in the dialogue.

    Attributes:
        run: The digits.
        index: Its place among the call's chunks.
        turn: The turn.
        side: The side that says it.
        speaker: Who says it.
        topic: What the nearest word before it speaks of, in this turn or the question before.
        topics: All that this turn before it and the other side's last turn speak of: an agent may
            ask for the ZIP and the phone at once.
        asked: Whether the topic was set by the other side's question.
        negated: Whether a word of correction stands before it in the turn.
        glued: Whether only fillers stand between it and the chunk before, in the same turn.
        quantity: Whether a unit follows ("feet", "dollars").
    """

    run: NumberRun
    index: int
    turn: int
    side: Side
    speaker: Speaker
    topic: Topic
    topics: frozenset[Topic]
    asked: bool
    negated: bool
    glued: bool
    quantity: bool


class _Hypothesis(NamedTuple):
    digits: str
    owner: Side
    price: float
    chunks: tuple[int, ...]
    last: int  # the chunk that was heard last for it, echoes included
    piece: int  # digits of the last piece
    cuts: tuple[int, ...] = ()  # where pieces end
    confirmed: int = 0
    own_repeats: int = 0
    corrected: int = 0
    joined_area: int = 0


FEATURE_NAMES = (
    "price",
    "price_over_best",
    "pieces",
    "by_company",
    "by_recording",
    "by_other",
    "odd_groups",
    "topic_mentioned",
    "negated",
    "alike_later_customer",
    "alike_later_company",
    "alike_earlier",
    "taken_back",
    "tail_by_caller_over_alike",
    "tail_by_agent_over_alike",
    "said_by_caller_over_alike",
    "said_by_agent_over_alike",
    "affirmed_over_alike",
    "confirmed_over_alike",
    "superseded_over_alike",
    "price_over_alike",
    "heard_last",
    "toll_free",
    "confirmed",
    "own_repeats",
    "corrected",
    "joined_area",
    "said_by_caller",
    "said_by_agent",
    "tail_by_caller",
    "tail_by_agent",
    "topic_same",
    "topic_rival",
    "topic_other",
    "topic_none",
    "asked",
    "quantity",
    "glued_before",
    "glued_after",
    "prefer",
    "reject",
    "other_place",
    "service_place",
    "affirmed",
    "denied",
    "superseded",
    "later_rivals",
    "earlier_rivals",
    "rivals",
    "valid",
    "caller_id",
    "caller_id_area",
    "caller_id_tail_said",
    "caller_id_ending",
    "calling_from_caller",
    "calling_from_agent",
    "calling_from_denied",
    "only_caller_id",
    "spoken_phone",
    "fits_city",
    "fits_state",
    "misfits_state",
    "fits_area_code",
    "in_address",
    "cue_word_near",
    "position",
)


def find_numbers(tokens: Tokens, runs: Sequence[NumberRun], places: Places) -> list[Candidate]:
    """Find the telephone numbers (E.164) and ZIP codes of a call, each with how it was said.

    A caller id that the call speaks of is a candidate too (``source="metadata"`` unless all its
    digits are said).
    """
    chunks = read_chunks(tokens, runs)
    phones = _Dialogue(tokens, chunks, _PHONE, Topic.PHONE).phones()
    area_codes = frozenset(phone.value[2:5] for phone in phones)
    return [*phones, *_Dialogue(tokens, chunks, _ZIP, Topic.ZIP).zips(places, area_codes)]


def read_chunks(tokens: Tokens, runs: Sequence[NumberRun]) -> list[Chunk]:
    """Put number runs into the dialogue: who says them, about what, after which words."""
    chunks: list[Chunk] = []
    lower = tokens.lower
    topic, topic_turn, topic_side = Topic.NONE, -9, Side.COMPANY
    lasts = -9  # the last turn with a word or number of that topic
    spoken_of: dict[int, set[Topic]] = {}  # turn → its topics so far
    position = 0
    for index, run in enumerate(runs):
        before = runs[index - 1] if index else None
        same_turn = before is not None and before.turn == run.turn
        turn_start = tokens.bounds[run.turn][0]
        for token in range(position, run.first):
            word = lower[token]
            heard = _TOPIC_WORDS.get(word)
            if heard is not None or word in _WEAK_PHONE:
                spoken_of.setdefault(tokens.turn[token], set()).add(heard or Topic.PHONE)
            if heard is None and word in _WEAK_PHONE:
                near = tokens.turn[token] - topic_turn <= 0
                if not (near and topic in (Topic.OTHER, Topic.ZIP, Topic.STREET)):
                    heard = Topic.PHONE
            if heard is Topic.STREET and word == "house" and topic is Topic.ZIP:
                heard = None  # "the zip for the house"
            if heard is not None and not (
                heard is Topic.OTHER and word == "code" and topic is Topic.ZIP
            ):
                topic, topic_turn = heard, tokens.turn[token]
                lasts = topic_turn
                topic_side = side_of(tokens.speaker(token))
        between_start = before.last if same_turn and before is not None else turn_start
        between = lower[between_start : run.first]
        after = lower[run.last : min(run.last + 2, tokens.bounds[run.turn][1])]
        speaker = tokens.speaker(run.first)
        side = side_of(speaker)
        topics = spoken_of.get(run.turn, set()) | spoken_of.get(run.turn - 1, set())
        # A topic lasts as long as its digits keep coming, however many turns they take.
        known = topic if run.turn - lasts <= _TOPIC_LASTS else Topic.NONE
        lasts = run.turn if known is not Topic.NONE else lasts
        chunks.append(
            Chunk(
                run,
                index,
                run.turn,
                side,
                speaker,
                known,
                frozenset(topics),
                asked=known is not Topic.NONE and topic_side is not side,
                negated=any(word in _CORRECTIONS for word in between[-10:]),
                glued=same_turn and all(word in _FILLERS for word in between),
                quantity=bool(after and after[0] in _UNITS_AFTER)
                or bool(between and between[-1] in ("$", "#")),
            )
        )
        position = run.first
    return chunks


def side_of(speaker: Speaker) -> Side:
    """Give the side a speaker is on."""
    return Side.COMPANY if speaker in (Speaker.AGENT, Speaker.SYSTEM) else Side.CUSTOMER


class _Dialogue:
    """The hypotheses about numbers of one length over a call."""

    def __init__(self, tokens: Tokens, chunks: Sequence[Chunk], length: int, topic: Topic) -> None:
        self.tokens = tokens
        self.chunks = chunks
        self.length = length
        self.topic = topic
        self.complete: dict[str, _Hypothesis] = {}
        self.heard: dict[str, set[tuple[int, ...]]] = {}  # number → the chunks it was heard in
        self.replaced: set[tuple[str, str]] = set()  # (before, after) of a correction
        self.partial: list[_Hypothesis] = []
        self._run()

    # --- carrying hypotheses through the call

    def _run(self) -> None:
        open_: list[_Hypothesis] = []
        closed: list[_Hypothesis] = []
        for chunk in self.chunks:
            grown: dict[tuple[str, Side], _Hypothesis] = {}
            for hypothesis in open_:
                if chunk.turn - self.chunks[hypothesis.last].turn > _MAX_GAP:
                    self.partial.append(hypothesis)
                    continue
                for successor in self._advance(hypothesis, chunk):
                    _keep(grown, successor)
            for hypothesis in closed:
                if chunk.turn - self.chunks[hypothesis.last].turn > 2 * _MAX_GAP:
                    continue
                for successor in self._revise(hypothesis, chunk):
                    _keep(grown, successor)
            for hypothesis in self._begin(chunk):
                _keep(grown, hypothesis)
            ordered = sorted(grown.values(), key=lambda item: item.price)
            open_ = [item for item in ordered if len(item.digits) < self.length][:_BEAM]
            closed = [item for item in ordered if len(item.digits) == self.length][:_BEAM]
            for hypothesis in closed:
                self._record(hypothesis, chunk)
        for hypothesis in open_:
            self.partial.append(hypothesis)

    def _begin(self, chunk: Chunk) -> Iterator[_Hypothesis]:
        price = 0.4
        if chunk.topic is not self.topic:
            price += 0.4 if chunk.topic is Topic.NONE else 0.9
        if chunk.quantity:
            price += 1.5
        if chunk.glued:
            price += 0.8
        for rank, reading in enumerate(chunk.run.readings[:4]):
            doubt = price + 0.3 * rank
            for digits, extra in self._cuts(reading):
                yield _Hypothesis(
                    digits,
                    chunk.side,
                    doubt + extra,
                    (chunk.index,),
                    chunk.index,
                    len(digits),
                    (len(digits),),
                )

    def _cuts(self, reading: str) -> Iterator[tuple[str, float]]:
        """Give the numbers of our length that a reading may hold, and its whole if shorter."""
        size, length = len(reading), self.length
        if size <= length:
            yield reading, 0.0
        if length == _PHONE and reading.startswith("1") and 1 < size <= 11:
            yield reading[1:], 0.2
        if size <= length:
            return
        if length == _ZIP and size == 9:
            yield reading[:5], 0.2  # ZIP+4
        elif size > length and size != 11:
            yield reading[:length], 1.5
            yield reading[-length:], 1.5

    def _advance(self, known: _Hypothesis, chunk: Chunk) -> Iterator[_Hypothesis]:
        """Give what a half-said number may become with one more chunk."""
        same = chunk.side is known.owner
        digits, room = known.digits, self.length - len(known.digits)
        passed = 0.3 if not same else 0.9
        yield known._replace(price=known.price + passed)
        drift = 0.0
        if chunk.topic not in (self.topic, self.chunks[known.chunks[0]].topic):
            drift += 0.8 if chunk.topic is Topic.NONE else 1.6
        if chunk.quantity:
            drift += 1.5
        gap = chunk.turn - self.chunks[known.last].turn
        drift += 0.15 * max(0, gap - 2)
        if gap == 0 and not chunk.glued:
            drift += 0.4
        for rank, reading in enumerate(chunk.run.readings[:4]):
            price = known.price + 0.3 * rank
            size = len(reading)
            # 555 0132 and then 415: an area code comes late, it does not end a number.
            late_area = self.length == _PHONE and room == 3 and size == 3 and 3 in known.cuts
            if size <= room:
                yield known._replace(
                    digits=digits + reading,
                    price=price + drift + 1.2 * (not same) + 0.7 * chunk.negated + 1.5 * late_area,
                    chunks=(*known.chunks, chunk.index),
                    last=chunk.index,
                    piece=size,
                    cuts=(*known.cuts, len(digits) + size),
                )
            echoed = size >= 2 or (not same and known.piece == 1)
            if (echoed and digits.endswith(reading)) or reading == digits:
                yield self._heard(known, chunk, price + (0.5 if same else -0.3))
            if size > len(digits) and reading.startswith(digits) and size <= self.length:
                yield known._replace(  # said again from the start, and further
                    digits=reading,
                    price=price + 0.2,
                    chunks=(chunk.index,),
                    last=chunk.index,
                    piece=size,
                    owner=chunk.side,
                    cuts=(size,),
                )
            if room == 3 and size == 3 and self.length == _PHONE and len(known.chunks) >= 1:
                area = self._speaks_of_area(chunk)
                yield known._replace(
                    digits=reading + digits,
                    price=price
                    + (0.1 if area else 0.6 if late_area else 1.6)
                    + 1.5 * chunk.quantity,
                    chunks=(chunk.index, *known.chunks),
                    last=chunk.index,
                    cuts=(3, *(cut + 3 for cut in known.cuts)),
                    joined_area=2 if area else 1,
                )
            yield from self._corrections(known, chunk, reading, price, same)

    def _corrections(
        self, known: _Hypothesis, chunk: Chunk, reading: str, price: float, same: bool
    ) -> Iterator[_Hypothesis]:
        """Replace the piece that was said last by this one."""
        digits, size = known.digits, len(reading)
        for tail in {known.piece, size}:
            kept = digits[: len(digits) - tail]
            changed = kept + reading
            if tail > len(digits) or changed == digits or len(changed) > self.length:
                continue
            alike = tail == size and _distance(digits[-tail:], reading) <= 1
            cost = 0.5 if chunk.negated else 1.8 if alike else 2.8
            if not same:
                cost += 0.8
            yield known._replace(
                digits=changed,
                price=price + cost,
                chunks=(*known.chunks, chunk.index),
                last=chunk.index,
                piece=size,
                corrected=known.corrected + 1,
            )

    def _revise(self, known: _Hypothesis, chunk: Chunk) -> Iterator[_Hypothesis]:
        """Give what a complete number may become: confirmed, corrected, or left as it is."""
        same = chunk.side is known.owner
        yield known._replace(price=known.price + 0.05)
        readings = chunk.run.readings[:3]
        if chunk.run.first and self.tokens.lower[chunk.run.first - 1] == "not":
            # "four on the end, not five three one two four"
            readings = (*readings, *(reading[1:] for reading in readings if len(reading) > 2))
        for rank, reading in enumerate(readings):
            price = known.price + 0.3 * rank
            size = len(reading)
            if size >= 2 and reading in known.digits:
                # What confirms a number corrects nothing in it, whatever else it might be read as.
                yield self._heard(known, chunk, price - (0.1 if same else 0.3))
                break
            if size == 1:
                yield from self._one_digit(known, chunk, reading, price)
                continue
            if size >= self.length:
                continue
            gap = chunk.turn - self.chunks[known.last].turn
            if gap > 4:
                continue
            for place, distance in _places(known.digits, reading):
                if distance > max(1, size // 2 + 1) and not chunk.negated:
                    continue
                cost = 0.3 * distance + (0.2 if chunk.negated else 1.5) + 0.1 * gap
                changed = known.digits[:place] + reading + known.digits[place + size :]
                yield self._changed(known, chunk, changed, price + cost, size)

    def _one_digit(
        self, known: _Hypothesis, chunk: Chunk, digit: str, price: float
    ) -> Iterator[_Hypothesis]:
        """Correct one digit: "a seven, not a one", "one seven", "the last one is nine"."""
        rival = self._contrasted(chunk)
        if rival is None and not chunk.negated:
            return
        words = self.tokens.lower[max(0, chunk.run.first - 6) : chunk.run.last + 6]
        last = any(word in _ENDING for word in words)
        for place, old in enumerate(known.digits):
            if old == digit or (rival is not None and old != rival):
                continue
            cost = 0.3 if rival is not None else 2.0
            if last and place == len(known.digits) - 1:
                cost = min(cost, 0.6)
            changed = known.digits[:place] + digit + known.digits[place + 1 :]
            yield self._changed(known, chunk, changed, price + cost, 1)

    def _contrasted(self, chunk: Chunk) -> str | None:
        """Give the digit that this one stands against: "seven not one", "not a one, a seven"."""
        tokens = self.tokens
        for other in self.chunks[max(0, chunk.index - 1) : chunk.index + 2]:
            if other is chunk or other.turn != chunk.turn or len(other.run.digits) != 1:
                continue
            first, second = sorted((other.run, chunk.run), key=lambda run: run.first)
            between = tokens.lower[first.last : second.first]
            before = tokens.lower[max(0, first.first - 3) : first.first]
            if second is other.run and "not" in between:
                return other.run.digits
            if first is other.run and "not" in before and len(between) <= 4:
                return other.run.digits
        return None

    def _changed(
        self, known: _Hypothesis, chunk: Chunk, digits: str, price: float, size: int
    ) -> _Hypothesis:
        if chunk.negated:
            self.replaced.add((known.digits, digits))
        return known._replace(
            digits=digits,
            price=price,
            chunks=(*known.chunks, chunk.index),
            last=chunk.index,
            piece=size,
            corrected=known.corrected + 1,
            confirmed=0,
        )

    def _heard(self, known: _Hypothesis, chunk: Chunk, price: float) -> _Hypothesis:
        same = chunk.side is known.owner
        return known._replace(
            price=price,
            chunks=(*known.chunks, chunk.index),
            last=chunk.index,
            confirmed=known.confirmed + (not same),
            own_repeats=known.own_repeats + same,
        )

    def _speaks_of_area(self, chunk: Chunk) -> bool:
        lower = self.tokens.lower
        begin = chunk.run.first
        turn_start = self.tokens.bounds[max(0, chunk.turn - 1)][0]
        window = lower[max(turn_start, begin - 14) : min(len(lower), chunk.run.last + 4)]
        return "area" in window

    def _record(self, hypothesis: _Hypothesis, chunk: Chunk) -> None:
        if hypothesis.last != chunk.index:
            return
        digits = hypothesis.digits
        known = self.complete.get(digits)
        self.heard.setdefault(digits, set()).add(hypothesis.chunks)
        if known is None or _worth(hypothesis) < _worth(known):
            self.complete[digits] = hypothesis

    # --- what the candidates are like

    def phones(self) -> list[Candidate]:
        tokens = self.tokens
        caller_id = _national(tokens.transcript.metadata.caller_id)
        found = {
            digits: hypothesis
            for digits, hypothesis in self.complete.items()
            if digits[0] not in "01" and digits[3] not in "01"
        }
        if caller_id:
            # "same area code": seven digits and an area code that only the phone system told
            for hypothesis in self.partial:
                digits = caller_id[:3] + hypothesis.digits
                if len(hypothesis.digits) == 7 and digits not in found:
                    self.heard[digits] = {hypothesis.chunks}
                    found[digits] = hypothesis._replace(digits=digits, price=hypothesis.price + 2.0)
        common = self._caller_id_features(caller_id)
        rows = self._features(found)
        spoken = max(
            (row["topic_same"] * (1 - row["by_company"]) for row in rows.values()), default=0
        )
        candidates = []
        for digits, hypothesis in found.items():
            row = rows[digits]
            row["valid"] = float(_is_valid(digits))
            row["toll_free"] = float(digits[0] == "8" and digits[1] == digits[2])
            if digits == caller_id:
                row |= common
                row["caller_id"] = 1.0
            elif caller_id and digits[:3] == caller_id[:3]:
                row["caller_id_area"] = 1.0
            candidates.append(
                Candidate(JobField.PHONE, f"+1{digits}", self._evidence(hypothesis), row)
            )
        if caller_id and caller_id not in found and _is_valid(caller_id):
            evidence = self._caller_id_evidence(caller_id)
            if evidence:
                row = common | {"caller_id": 1.0, "only_caller_id": 1.0, "valid": 1.0}
                row["spoken_phone"] = spoken
                row["rivals"] = float(len(found))
                candidates.append(
                    Candidate(JobField.PHONE, f"+1{caller_id}", evidence, row, "metadata")
                )
        return candidates

    def zips(self, places: Places, area_codes: frozenset[str]) -> list[Candidate]:
        found = {
            digits: hypothesis for digits, hypothesis in self.complete.items() if digits != "00000"
        }
        rows = self._features(found)
        text = f" {' '.join(self.tokens.lower)} "
        said_states = {
            mention.code
            for index in range(len(self.tokens))
            if (mention := find_state(self.tokens.lower, index)) and not mention.is_abbreviation
        }
        for digits, row in rows.items():
            area = places.zip_area(digits)
            row["valid"] = float(area is not None)
            if area is None:
                continue
            cities = [city for city in (area.city, *area.other_cities) if city]
            row["fits_city"] = float(any(f" {city.lower()} " in text for city in cities))
            row["fits_state"] = float(area.state in said_states)
            row["misfits_state"] = float(bool(said_states) and area.state not in said_states)
            row["fits_area_code"] = float(any(code in area.area_codes for code in area_codes))
        return [
            Candidate(JobField.ZIP_CODE, digits, self._evidence(hypothesis), rows[digits])
            for digits, hypothesis in found.items()
        ]

    def _features(self, found: dict[str, _Hypothesis]) -> dict[str, dict[str, float]]:
        best = min((hypothesis.price for hypothesis in found.values()), default=0.0)
        topical = {
            digits: hypothesis
            for digits, hypothesis in found.items()
            if any(self.chunks[index].topic is self.topic for index in hypothesis.chunks[:3])
        }
        streams = {
            side: "".join(
                f"{chunk.run.digits}" if chunk.glued else f" {chunk.run.digits}"
                for chunk in self.chunks
                if chunk.side is side
            )
            for side in Side
        }
        joined = {side: stream.replace(" ", "") for side, stream in streams.items()}
        rows = {}
        for digits, hypothesis in found.items():
            chunks = [self.chunks[index] for index in hypothesis.chunks]
            start = chunks[0]
            near = self._words_about(digits)
            tail = digits[-4:] if self.length == _PHONE else digits[-3:]
            rivals = [other for key, other in topical.items() if key != digits]
            row = {
                "price": hypothesis.price,
                "price_over_best": hypothesis.price - best,
                "pieces": float(len(set(hypothesis.chunks))),
                "by_company": float(hypothesis.owner is Side.COMPANY),
                "by_recording": float(start.speaker is Speaker.SYSTEM),
                "by_other": float(start.speaker in (Speaker.OTHER, Speaker.UNKNOWN)),
                "odd_groups": float(not _is_grouped(hypothesis.cuts, self.length)),
                "topic_mentioned": float(self.topic in start.topics),
                "negated": float(start.negated),
                "confirmed": min(3.0, hypothesis.confirmed),
                "own_repeats": min(3.0, hypothesis.own_repeats),
                "corrected": float(hypothesis.corrected),
                "joined_area": float(hypothesis.joined_area),
                "said_by_caller": min(3.0, joined[Side.CUSTOMER].count(digits)),
                "said_by_agent": min(3.0, joined[Side.COMPANY].count(digits)),
                "tail_by_caller": min(3.0, joined[Side.CUSTOMER].count(tail)),
                "tail_by_agent": min(3.0, joined[Side.COMPANY].count(tail)),
                "topic_same": float(start.topic is self.topic),
                "topic_rival": float(
                    start.topic is (Topic.ZIP if self.topic is Topic.PHONE else Topic.PHONE)
                ),
                "topic_other": float(start.topic in (Topic.OTHER, Topic.EMAIL)),
                "topic_none": float(start.topic is Topic.NONE),
                "in_address": float(start.topic is Topic.STREET),
                "asked": float(start.asked),
                "quantity": float(any(chunk.quantity for chunk in chunks)),
                "glued_before": float(start.glued),
                "glued_after": float(self._continues(hypothesis)),
                "prefer": float(sum(word in _PREFER for word in near)),
                "reject": float(sum(word in _REJECT for word in near)),
                "other_place": float(sum(word in _OTHER_PLACE for word in near)),
                "service_place": float(sum(word in _SERVICE_PLACE for word in near)),
                "cue_word_near": float(any(_TOPIC_WORDS.get(word) is self.topic for word in near)),
                "superseded": float(
                    any(before_ == digits and after_ in found for before_, after_ in self.replaced)
                ),
                "later_rivals": float(
                    sum(other.chunks[0] > hypothesis.chunks[-1] for other in rivals)
                ),
                "earlier_rivals": float(
                    sum(other.chunks[-1] < hypothesis.chunks[0] for other in rivals)
                ),
                "rivals": float(len(rivals)),
                "position": start.index / max(1, len(self.chunks)),
            }
            row["affirmed"], row["denied"] = self._answer(chunks[-1])
            rows[digits] = row
        self._compare(found, rows)
        return rows

    def _compare(self, found: dict[str, _Hypothesis], rows: dict[str, dict[str, float]]) -> None:
        """Set candidates that differ in a digit or two against each other.

        They are one number, misheard, misread or corrected: which was said last, more often, and
        affirmed tells more than how well each of them was said.
        """
        said = {digits: item for digits, item in found.items() if item.corrected < 2}
        last = {digits: max(max(heard) for heard in self.heard[digits]) for digits in said}
        for digits, hypothesis in said.items():
            row = rows[digits]
            alike = [
                other
                for key, other in said.items()
                if key != digits and _distance(key, digits) <= _ALIKE
            ]
            for other in alike:
                if other.corrected:
                    continue
                if other.chunks[0] > hypothesis.chunks[0]:
                    later = self.chunks[other.chunks[0]]
                    if later.negated and other.owner is Side.CUSTOMER:
                        row["taken_back"] = 1.0
                    side = "customer" if other.owner is Side.CUSTOMER else "company"
                    row[f"alike_later_{side}"] = 1.0
                elif other.chunks[0] < hypothesis.chunks[0]:
                    row["alike_earlier"] = 1.0
            if not alike:
                continue
            rivals = [rows[other.digits] for other in alike]
            for name in _COMPARED:
                row[f"{name}_over_alike"] = row.get(name, 0.0) - max(
                    rival.get(name, 0.0) for rival in rivals
                )
            row["heard_last"] = float(all(last[digits] >= last[other.digits] for other in alike))
            row["price_over_alike"] = hypothesis.price - min(other.price for other in alike)

    def _continues(self, hypothesis: _Hypothesis) -> bool:
        """Whether the same speaker runs on with digits, so that this is part of a longer number."""
        last = self.chunks[max(hypothesis.chunks)]
        if last.index + 1 >= len(self.chunks):
            return False
        return self.chunks[last.index + 1].glued

    def _words_about(self, digits: str) -> list[str]:
        """Give the words that explain a number, wherever it was said: before, after, in reply."""
        words: list[str] = []
        for opening, closing in self._mentions(digits):
            words += self._words_around(opening, closing)
        return words

    def _mentions(self, digits: str) -> set[tuple[int, int]]:
        """Give first and last chunk of each place where a number was said."""
        mentions = set()
        for heard in self.heard[digits]:
            indexes = sorted(set(heard))
            opening = indexes[0]
            for index, following in pairwise(indexes):
                if self.chunks[following].turn - self.chunks[index].turn > _SAME_PLACE:
                    mentions.add((opening, index))
                    opening = following
            mentions.add((opening, indexes[-1]))
        return mentions

    def _words_around(self, opening: int, closing: int) -> list[str]:
        tokens, chunks = self.tokens, self.chunks
        first, last = chunks[opening].run, chunks[closing].run
        begin, end = tokens.bounds[first.turn][0], tokens.bounds[last.turn][1]
        # Another number in the turn has words of its own: "bills go to 55812, the house is 56649".
        if opening and chunks[opening - 1].turn == first.turn:
            previous = chunks[opening - 1].run.last
            _, before = _divide(tokens.lower[previous : first.first])
        else:
            before = tokens.lower[begin : first.first]
        after: Sequence[str]
        if closing + 1 < len(chunks) and chunks[closing + 1].turn == last.turn:
            after, _ = _divide(tokens.lower[last.last : chunks[closing + 1].run.first])
        else:
            after = tokens.lower[last.last : end]
        words = [*before[-_EXPLAIN:], *after[:_EXPLAIN]]
        if not after and last.turn + 1 < len(tokens.bounds):
            reply = tokens.words(last.turn + 1)[:_EXPLAIN]
            if reply and reply[0] in _EXPLAINING:
                words += _divide(reply)[0]
        return words

    def _answer(self, chunk: Chunk) -> tuple[float, float]:
        """Say whether the other side's next turn affirms or denies what was just said."""
        tokens = self.tokens
        if chunk.turn + 1 >= len(tokens.bounds):
            return 0.0, 0.0
        first, last = tokens.bounds[chunk.turn + 1]
        words = tokens.lower[first : min(last, first + 4)]
        return (
            float(any(word in _AFFIRMATIONS for word in words)),
            float(any(word in _NEGATIONS for word in words)),
        )

    def _caller_id_features(self, caller_id: str | None) -> dict[str, float]:
        """Tell how the call speaks of the number it comes from."""
        row: dict[str, float] = {}
        if not caller_id:
            return row
        tokens = self.tokens
        for chunk in self._ends_of(caller_id):
            row["caller_id_tail_said"] = 1.0
            words = tokens.lower[max(0, chunk.run.first - 6) : chunk.run.first]
            if any(word in _ENDING for word in words):
                row["caller_id_ending"] = 1.0
                affirmed, denied = self._answer(chunk)
                row["affirmed"] = max(row.get("affirmed", 0.0), affirmed)
                row["denied"] = max(row.get("denied", 0.0), denied)
        for turn, _ in self._line_spoken_of():
            if tokens.transcript.turns[turn].speaker is not Speaker.AGENT:
                row["calling_from_caller"] = 1.0
            elif turn + 1 < len(tokens.bounds):
                answer = tokens.words(turn + 1)[:4]
                if any(word in _NEGATIONS for word in answer):
                    row["calling_from_denied"] = 1.0
                elif any(word in _AFFIRMATIONS for word in answer):
                    row["calling_from_agent"] = 1.0
        return row

    def _caller_id_evidence(self, caller_id: str) -> tuple[Span, ...]:
        tokens = self.tokens
        spans = [tokens.span(chunk.run.first, chunk.run.last) for chunk in self._ends_of(caller_id)]
        if not spans:
            spans = [tokens.span(token, token + 2) for _, token in self._line_spoken_of()][:4]
        return tuple(spans)

    def _ends_of(self, caller_id: str) -> list[Chunk]:
        """Give the chunks that are the end of the caller id, three digits or more."""
        return [
            chunk
            for chunk in self.chunks
            if any(len(r) >= 3 and caller_id.endswith(r) for r in chunk.run.readings)
        ]

    def _line_spoken_of(self) -> Iterator[tuple[int, int]]:
        """Yield each turn that speaks of the line in use, with the token where it first does."""
        for turn, (first, last) in enumerate(self.tokens.bounds):
            for index, pair in enumerate(pairwise(self.tokens.lower[first:last])):
                if pair in _CALLING_FROM:
                    yield turn, first + index
                    break

    def _evidence(self, hypothesis: _Hypothesis) -> tuple[Span, ...]:
        runs = [self.chunks[index].run for index in sorted(set(hypothesis.chunks))]
        return tuple(self.tokens.span(run.first, run.last) for run in runs)


def _keep(grown: dict[tuple[str, Side], _Hypothesis], item: _Hypothesis) -> None:
    key = (item.digits, item.owner)
    known = grown.get(key)
    if known is None or item.price < known.price:
        grown[key] = item


def _is_grouped(cuts: tuple[int, ...], length: int) -> bool:
    """Whether pieces end where numbers are usually cut: 3-3-4 for a phone."""
    if length != _PHONE or len(cuts) > 6:
        return True
    return all(cut in cuts for cut in (3, 6)) or cuts[0] in (6, 10)


def _divide(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Divide the words between two numbers: those about the one before, those about the next.

    "… is the house and the bills go to …" speaks of the first up to the break; without a word
    that takes up the first, all of it leads to the second.
    """
    if not words or words[0] not in _EXPLAINING:
        return (), words
    for index, word in enumerate(words):
        if word in _BREAKS and index:
            return words[:index], words[index:]
    return words, ()


def _worth(hypothesis: _Hypothesis) -> float:
    return hypothesis.price - 0.4 * hypothesis.confirmed - 0.2 * hypothesis.own_repeats


def _distance(left: str, right: str) -> int:
    different: int = sum(map(ne, left, right))
    return different + abs(len(left) - len(right))


def _places(digits: str, piece: str) -> list[tuple[int, int]]:
    """Give where a corrected piece may belong, the likeliest two: (place, digits that differ)."""
    size = len(piece)
    options = [
        (place, _distance(digits[place : place + size], piece))
        for place in range(len(digits) - size + 1)
    ]
    groups = {0, 3, 6, 8} if len(digits) == _PHONE else {0, 2, 3}
    options.sort(key=lambda item: (item[1] - (item[0] in groups), -item[0]))
    return options[:3]


def _national(number: str | None) -> str | None:
    """Give the ten digits of a US number, None where it is none."""
    digits = "".join(char for char in number or "" if char.isdigit())
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    return digits if len(digits) == _PHONE else None


@lru_cache(maxsize=4096)
def _is_valid(digits: str) -> bool:
    """Whether such a number may be given out; 555 numbers, kept for stories, pass for real ones."""
    import phonenumbers

    if digits[3:6] == "555":
        digits = f"{digits[:3]}234{digits[6:]}"

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, "US"))
    except phonenumbers.NumberParseException:
        return False
