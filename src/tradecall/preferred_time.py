"""``find_preferred_time()``: when the visit is wished or agreed, as said and as dates.

Takes a call's tokens; gives the time expression that carries the appointment. An expression is a
run of day, part-of-day and clock words held together by small links ("the nineteenth", "between
two and four", "any morning but wednesday"). Agreed beats offered, offered beats refused; what is
past ("since sunday", "last week") is none. Dates come from plain weekday arithmetic on the start of
the call, so no date library is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tradecall.transcript import Span, Speaker

if TYPE_CHECKING:
    from tradecall.tokens import Tokens

_WEEKDAYS = {
    name: number
    for number, name in enumerate(
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
}
_MONTHS = {
    name: number
    for number, name in enumerate(
        (
            "january", "february", "march", "april", "may", "june", "july", "august",
            "september", "october", "november", "december",
        ),
        1,
    )
}  # fmt: skip
_ORDINALS = {
    word: number
    for number, word in enumerate(
        (
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ).split(),
        1,
    )
} | {"thirtieth": 30}
_HOURS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), 1
    )
} | {"won": 1, "to": 2, "too": 2, "for": 4, "ate": 8, "noon": 12, "midnight": 0}
_NO_HOURS = frozenset(("for", "to", "too", "won"))
_MINUTES = {"fifteen": 15, "thirty": 30, "forty": 40, "forty-five": 45, "quarter": 15, "half": 30}
_PARTS = {
    "morning": (8, 12), "mornings": (8, 12), "afternoon": (12, 17), "afternoons": (12, 17),
    "evening": (17, 21), "evenings": (17, 21), "lunch": (12, 13), "lunchtime": (12, 13),
    "forenoon": (8, 12), "forenoons": (8, 12), "midmorning": (9, 11), "midday": (11, 13),
    "supper": (17, 18), "suppertime": (17, 18), "dinner": (17, 19),
}  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEAR_DAYS = _words("today tonight tomorrow")
_PLURAL_DAYS = {f"{day}s": day for day in _WEEKDAYS}
_SPANS = _words("week weekend weekday weekdays weekends weeks month")
_ANY = _words("any anytime whenever every either")
_LIMITS = _words("before after by between until till from around about at past")
_LINKS = _words(
    "the of on in or and but not except this next coming day days time hour to oclock o'clock - , "
    "am pm a.m p.m early late first thing only as soon end somewhere"
)
_EXCEPT = _words("but not except")
_CLOCK = re.compile(r"^(\d{1,2})(?::(\d\d))?(?:am|pm|a\.m\.?|p\.m\.?)?$")
_NTH = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)$")
_PAST = _words("since last ago yesterday was were been started noticed happened came went quit")
_REFUSED = _words("can't cant cannot won't wont not isn't isnt never neither instead nothing")
_AGREEING = _words(
    "put down book booked schedule scheduled set see then perfect works good fine confirmed "
    "there'll come coming out there send works appointment take mark great"
)
_ACCEPTING = _words("okay yes good perfect fine thank thanks great yeah alright")
_ASKING = _words("would could can do does or what how is are which")


@dataclass(frozen=True, slots=True)
class PreferredTime:
    """When the visit is wished or agreed.

    Attributes:
        text: As said, in the case of the call.
        evidence: Where it was said; a day and its hours may come from two places.
        resolved: Start and end in the call's own zone when the start of the call is known and the
            words name a day; dates stand where no hour was said. The end is exclusive.
    """

    text: str
    evidence: tuple[Span, ...]
    resolved: tuple[date, date] | tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class _Mention:
    """A time expression: tokens ``[first, last)`` of one turn, and what its words hold."""

    first: int
    last: int
    day: bool
    hours: bool
    clock: bool
    vague: bool


def find_preferred_time(tokens: Tokens) -> PreferredTime | None:
    """Find the wished or agreed time of the visit, None where none is named."""
    mentions = list(_mentions(tokens))
    if not mentions:
        return None
    scores = [_score(tokens, mention) for mention in mentions]
    _lower_refused(tokens, mentions, scores)
    highest = max(scores)
    if highest <= _LEAST:
        return None
    best = mentions[len(scores) - 1 - scores[::-1].index(highest)]
    parts = [best]
    other = _complement(tokens, best, mentions)
    if other is not None:
        parts = [best, other] if best.day else [other, best]
    spans = tuple(tokens.span(part.first, part.last) for part in parts)
    text = " ".join(tokens.transcript.quote(span) for span in spans)
    return PreferredTime(text, tuple(sorted(spans)), _resolve(tokens, parts))


# Log-odds below which a mention is no appointment; chosen on the same calls.
_LEAST = -2.0


def _lower_refused(tokens: Tokens, mentions: Sequence[_Mention], scores: list[float]) -> None:
    """Lower what was offered on a day that is refused right after ("cant do tomorrow")."""
    for later, mention in enumerate(mentions):
        before = tokens.lower[
            max(tokens.bounds[tokens.turn[mention.first]][0], mention.first - 3) : mention.first
        ]
        if not mention.day or _REFUSED.isdisjoint(before):
            continue
        days = _DAYS.intersection(tokens.lower[mention.first : mention.last])
        for earlier in range(later):
            offered = mentions[earlier]
            near = tokens.turn[mention.first] - tokens.turn[offered.first] <= 2
            if near and not days.isdisjoint(tokens.lower[offered.first : offered.last]):
                scores[earlier] -= _REFUSAL


_DAYS = _NEAR_DAYS | _WEEKDAYS.keys()
_REFUSAL = 1.5


def _kind(word: str) -> str:
    """Say what a word is to a time expression: day, part, span, any, hour, limit, link or none."""
    if word in _NEAR_DAYS or word in _WEEKDAYS or word in _PLURAL_DAYS:
        return "day"
    if word in _PARTS or word in ("noon", "midnight", "dark"):
        return "part"
    if word in _SPANS:
        return "span"
    if word in _ANY:
        return "any"
    if word in _LIMITS:
        return "limit"
    if word in _ORDINALS or _NTH.match(word):
        return "nth"
    if word in _MONTHS:
        return "month"
    if word in _LINKS:
        return "link"
    if word in _HOURS or word in _MINUTES or _CLOCK.match(word):
        return "hour"
    return ""


def _mentions(tokens: Tokens) -> Iterator[_Mention]:
    lower = tokens.lower
    for first, last in tokens.bounds:
        token = first
        while token < last:
            kind = _kind(lower[token])
            if not kind:
                token += 1
                continue
            begin = token
            kinds: list[str] = []
            while token < last and (kind := _kind(lower[token])):
                # "tuesday at ten or wednesday at one" offers two times, of which one is agreed
                if lower[token] == "or" and not {"day", "nth"}.isdisjoint(kinds):
                    break
                if kind == "hour" and not _tells_hour(lower, token, begin, last):
                    break
                kinds.append(kind)
                token += 1
            if token == begin:
                token += 1
                continue
            mention = _trimmed(lower, begin, kinds)
            if mention is not None:
                yield mention


_BEFORE_MONTH = _words("in mid middle early late by before after until till this next of end")
_MEASURES = _words(
    "feet foot inches inch years year old pounds degrees dollars bucks gallon gallons square amp "
    "amps people kids times minutes percent hundred thousand by x blocks houses miles days months"
)


def _tells_hour(lower: Sequence[str], token: int, begin: int, last: int) -> bool:
    """Say whether a number can be an hour here: "for" and "to" only between times, no measures."""
    following = lower[token + 1] if token + 1 < last else ""
    if following in _MEASURES:
        return False
    before = lower[token - 1] if token > begin else ""
    if lower[token] in _NO_HOURS:
        return before in _LIMITS or _is_hour(before)
    # two hours side by side are digits of something else; "ten thirty" is one
    return not _is_hour(before) or before in _NO_HOURS or _is_minute(lower[token])


def _trimmed(lower: Sequence[str], begin: int, kinds: list[str]) -> _Mention | None:
    """Cut loose links off both ends; None where what is left names no time of a visit."""
    end = len(kinds)
    start = 0
    while start < end and (
        kinds[start] == "link"
        and lower[begin + start] not in ("this", "next", "first", "early")
        and not (lower[begin + start] == "the" and start + 1 < end and kinds[start + 1] == "nth")
        and not (
            lower[begin + start] == "not"
            and start + 1 < end
            and kinds[start + 1] in ("day", "limit")
        )
    ):
        start += 1
    if end - start > 1 and lower[begin + start] in ("about", "around"):
        start += kinds[start + 1] in ("day", "nth", "span")
    while end > start and (
        (
            kinds[end - 1] == "hour"
            and lower[begin + end - 1] in ("to", "too", "for")
            and not (end - start > 1 and lower[begin + end - 2] in _LIMITS | {"to", "and"})
        )
        or kinds[end - 1] in ("limit", "any")
        or (
            kinds[end - 1] == "link"
            and lower[begin + end - 1]
            not in ("thing", "oclock", "o'clock", "am", "pm", "time", "day", "hour", "early")
        )
    ):
        end -= 1
    while end - start > 1 and lower[begin + end - 1] == lower[begin + end - 2]:
        end -= 1
    kept = set(kinds[start:end])
    words = set(lower[begin + start : begin + end])
    day = bool(kept & {"day", "span"}) or ("nth" in kept and bool(words & {"the", *_MONTHS}))
    # "in october", "before june": a month alone may be a name or a verb
    before = lower[begin + start - 1] if begin + start else ""
    if not day and "month" in kept:
        day = before in _BEFORE_MONTH or not words.isdisjoint(_BEFORE_MONTH)
    hours = (
        "part" in kept
        or ("hour" in kept and "limit" in kept)
        or ("hour" in kept and bool(words & {"oclock", "o'clock", "to", "am", "pm"}))
        or any(":" in word for word in words)
    )
    vague = "any" in kept or {"first", "thing"} <= words
    if not (day or hours or vague) or (kept <= {"nth", "link"} and not day):
        return None
    if (
        "hour" in kept
        and not day
        and not vague
        and "part" not in kept
        and "limit" not in kept
        and end - start < 2
    ):
        return None
    clock = hours and "hour" in kept
    return _Mention(begin + start, begin + end, day, hours, clock, vague)


def _score(tokens: Tokens, mention: _Mention) -> float:
    """Weigh how much a mention looks like the agreed time; weights come from labelled calls."""
    features = _features(tokens, mention)
    return sum(_WEIGHTS.get(name, 0.0) * value for name, value in features.items())


def _features(tokens: Tokens, mention: _Mention) -> dict[str, float]:
    lower = tokens.lower
    turn = tokens.turn[mention.first]
    first, last = tokens.bounds[turn]
    before = set(lower[max(first, mention.first - 4) : mention.first])
    after = set(lower[mention.last : min(mention.last + 4, last)])
    words = set(lower[mention.first : mention.last])
    share = mention.first / max(len(tokens), 1)
    turns = len(tokens.bounds)
    follows = set(tokens.words(turn + 1)[:4]) if turn + 1 < turns else set()
    agent = tokens.transcript.turns[turn].speaker is Speaker.AGENT
    return {
        "bias": 1.0,
        "late": share,
        "very late": float(share > 0.8),
        "last turns": float(turn >= turns - 3),
        "day": float(mention.day),
        "near": float(bool(words & _NEAR_DAYS)),
        "weekday": float(bool(words & _WEEKDAYS.keys())),
        "hours": float(mention.hours),
        "day and hours": float(mention.day and mention.hours),
        "vague": float(mention.vague),
        "past": float(bool(before & _PAST)),
        "past after": float(bool(after & {"was", "were", "ago", "night"})),
        "refused": float(bool(before & _REFUSED)),
        "agreeing": float(bool((before | after) & _AGREEING)),
        "asking": float(agent and bool(before & _ASKING)),
        "or after": float("or" in after or "or" in before),
        "agent": float(agent),
        "answered": float(not _ACCEPTING.isdisjoint(follows)),
        "long": float(min(mention.last - mention.first, 8)),
        "limit": float(bool(words & _LIMITS)),
        "the day": float(bool(before & {"every", "each"})),
        "short turn": float(last - first < 15),
        "plural": float(bool(words & _PLURAL_DAYS.keys())),
        "hours only": float(mention.hours and not mention.day),
        "span": float(bool(words & _SPANS)),
    }  # fmt: skip


# Logistic regression on 358 labelled calls: a mention counts by the words it shares with the label.
_WEIGHTS: dict[str, float] = {
    "bias": -4.16,
    "late": 1.59,
    "very late": 0.34,
    "last turns": 0.7,
    "day": -0.55,
    "near": 1.61,
    "weekday": 0.89,
    "hours": 0.47,
    "day and hours": 0.98,
    "vague": 0.65,
    "past": -1.05,
    "past after": 0.08,
    "refused": -1.09,
    "agreeing": 0.47,
    "asking": -0.27,
    "or after": -1.01,
    "agent": 0.41,
    "answered": 0.02,
    "long": 0.14,
    "limit": 0.09,
    "the day": -0.02,
    "short turn": 0.18,
    "plural": -0.72,
    "hours only": -0.5,
    "span": -0.17,
}


def _complement(tokens: Tokens, best: _Mention, mentions: Sequence[_Mention]) -> _Mention | None:
    """Find the hours that belong to a bare day, or the day that belongs to bare hours, near by."""
    if best.vague or (best.day and best.clock):
        return None
    turn = tokens.turn[best.first]
    fitting = [
        mention
        for mention in mentions
        if mention is not best
        and not mention.vague
        and (mention.clock and not mention.day if best.day else mention.day and not mention.clock)
        and abs(tokens.turn[mention.first] - turn) <= 2
    ]
    if not fitting:
        return None
    return min(fitting, key=lambda mention: abs(mention.first - best.first))


def _resolve(
    tokens: Tokens, parts: Sequence[_Mention]
) -> tuple[date, date] | tuple[datetime, datetime] | None:
    started = tokens.transcript.metadata.started_at
    if started is None:
        return None
    words = [word for part in parts for word in tokens.lower[part.first : part.last]]
    if _ANY & set(words) or _EXCEPT & set(words):
        return None
    day = _day(words, started.date())
    if day is None:
        return None
    hours = _hours(words)
    if hours is None:
        return day, day + timedelta(days=1)
    midnight = datetime(day.year, day.month, day.day, tzinfo=started.tzinfo)
    return midnight + timedelta(minutes=hours[0]), midnight + timedelta(minutes=hours[1])


def _day(words: Sequence[str], today: date) -> date | None:
    """Give the one day that the words name, the next such; None if none or two."""
    named = [word for word in words if word in _WEEKDAYS]
    nths = [number for index in range(len(words)) if (number := _nth(words, index)) is not None]
    if len(set(named)) > 1 or len(set(nths)) > 1:
        return None
    if nths:
        months = [_MONTHS[word] for word in words if word in _MONTHS]
        return _day_of_month(nths[0], months[0] if months else None, today)
    if named:
        ahead = (_WEEKDAYS[named[0]] - today.weekday()) % 7 or 7
        return today + timedelta(days=ahead)
    if "tomorrow" in words:
        return today + timedelta(days=2 if "day" in words and "after" in words else 1)
    if "today" in words or "tonight" in words or ("this" in words and set(words) & _PARTS.keys()):
        return today
    return None


def _nth(words: Sequence[str], index: int) -> int | None:
    word = words[index]
    written = _NTH.match(word)
    if written:
        return int(written[1])
    if word == "first" and index + 1 < len(words) and words[index + 1] == "thing":
        return None
    if word in _ORDINALS:
        tens = {"twenty": 20, "thirty": 30}.get(words[index - 1], 0) if index else 0
        return tens + _ORDINALS[word]
    return None


def _day_of_month(number: int, month: int | None, today: date) -> date | None:
    for ahead in range(366 if month else 62):
        day = today + timedelta(days=ahead)
        if day.day == number and month in (None, day.month):
            return day
    return None


def _hours(words: Sequence[str]) -> tuple[int, int] | None:
    """Give start and end in minutes after midnight, None where the words name no hour."""
    clocks = _clocks(words)
    part = next((_PARTS[word] for word in words if word in _PARTS), None)
    if not clocks:
        return None if part is None else (part[0] * 60, part[1] * 60)
    evening = "tonight" in words or "evening" in words or "pm" in words
    clocks = [_afternoon(clock, part, evening) for clock in clocks]
    if len(clocks) > 1:
        return clocks[0], clocks[1] if clocks[1] > clocks[0] else clocks[1] + 12 * 60
    if "before" in words or "by" in words:
        return (part[0] * 60 if part else 8 * 60), clocks[0]
    if "after" in words or "from" in words or "past" in words:
        return clocks[0], max((part[1] if part else 17) * 60, clocks[0] + 60)
    return clocks[0], clocks[0] + 60


def _clocks(words: Sequence[str]) -> list[int]:
    found: list[int] = []
    index = 0
    while index < len(words):
        word = words[index]
        written = _CLOCK.match(word)
        following = words[index + 1] if index + 1 < len(words) else ""
        if written and int(written[1]) <= 12:
            found.append(int(written[1]) * 60 + int(written[2] or 0))
        elif word in _HOURS and not (word in ("to", "too", "for") and _is_hour(following)):
            if following == "thing":
                index += 1
                continue
            found.append(_HOURS[word] * 60 + _MINUTES.get(following, 0))
            index += following in _MINUTES
        index += 1
    return found


def _is_minute(word: str) -> bool:
    return word in _MINUTES or word in ("00", "15", "30", "45")


def _is_hour(word: str) -> bool:
    return word in _HOURS or bool(_CLOCK.match(word))


def _afternoon(clock: int, part: tuple[int, int] | None, evening: bool) -> int:
    """Read hours as a home visit would have them: one to six are after noon, seven is morning."""
    if clock < 7 * 60 and clock >= 60 and not (part and part[1] == 12):
        return clock + 12 * 60
    if clock < 12 * 60 and (evening or (part is not None and part[0] >= 12)):
        return clock + 12 * 60
    return clock
