"""First and last names: what was said or spelled that may be the homeowner's name.

The tagger judges every word by itself; here the same name said in several places, words that
belong together ("de la cruz") and letters spelled over several turns become one candidate each,
described by how all its mentions were said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from tradecall.attribution import HeardAgent
from tradecall.candidates.candidate import Candidate, JobField
from tradecall.candidates.name_tagger import (
    NameTagger,
    Role,
    Units,
    asked_kinds,
    fold,
    name_evidence,
)
from tradecall.spoken_letters import LetterRun, find_letter_runs
from tradecall.tokens import Tokens
from tradecall.transcript import Span, Speaker

if TYPE_CHECKING:
    import numpy as np
    from nicknames import NickNamer
    from numpy.typing import NDArray

FEATURE_NAMES = (
    "p_max",
    "p_sum",
    "p_mean",
    "p_any",
    "p_caller",
    "p_agent",
    "p_best_share",
    "p_rank",
    "p_partner",
    "p_agent_first",
    "p_agent_last",
    "p_none",
    "mentions",
    "by_caller",
    "by_agent",
    "both_sides",
    "spelled_by_caller",
    "spelled_by_agent",
    "spelled_by_word",
    "spelled_over_turns",
    "in_spelling",
    "alike_p_sum",
    "alike_spelled_by_caller",
    "alike_spelled_other",
    "alike_said_later",
    "alike_by_caller",
    "echoed",
    "corrected",
    "after_question",
    "titled",
    "beside_partner",
    "beside_best_partner",
    "extends",
    "extended",
    "words",
    "length",
    "list_first",
    "list_last",
    "list_word",
    "first_said",
    "last_said",
    "best_partner",
    "candidates",
    "p_heard",
    "p_spelled",
    "p_first",
    "p_last",
    "confirmed",
    "rejected",
    "pair_sum",
    "after_number",
    "before_street",
    "kin",
    "account",
    "covered",
    "covers",
    "is_nickname",
    "has_nickname",
    "is_partner",
    "partner_share",
    "spelled_unsaid",
    "partner_gap",
    "asked_first",
    "asked_last",
    "asked_now",
    "only_word",
    "agent_share",
    "p_lead",
    "p_ratio",
)

_LEAST = 0.02
_AGENT_AT = 0.2
_AGENT_LAST_AT = 0.25
_PARTICLES = frozenset(
    "al bin da dal de dei del della der den di dos du el la las los mac mc o st saint san santa "
    "ter van vander von".split()
)
_TITLES = frozenset("mr mister mrs missus mizz ms miss".split())
_LONGEST = 4
_MOST = 60
_ALIKE = 0.82


@dataclass(frozen=True, slots=True)
class _Mention:
    """One place where a name was said or spelled, maybe over several turns.

    Attributes:
        units: The units, in order.
        text: As written there, words parted by a space or hyphen.
        probability: That it is the name sought.
        spelled: Whether it is all letters.
    """

    units: tuple[int, ...]
    key: str
    text: str
    probability: float
    spelled: bool


def find_names(
    tokens: Tokens, letters: Sequence[LetterRun], tagger: NameTagger | None
) -> list[Candidate]:
    """Find the names that may be the homeowner's, in the order in which they are first said.

    Without a tagger nothing tells names from other words, and nothing is found.
    """
    if tagger is None:
        return []
    units, chances = tagger.judge(tokens, letters)
    chances = _tempered(units, chances)
    return [
        *_candidates(units, chances, JobField.FIRST_NAME),
        *_candidates(units, chances, JobField.LAST_NAME),
    ]


def hear_agent(
    tokens: Tokens, tagger: NameTagger | None, letters: Sequence[LetterRun] | None = None
) -> HeardAgent | None:
    """Find who took the call, not who handed it over; None where no name is likely enough.

    Args:
        tokens: The call.
        tagger: Without one nobody is found.
        letters: What was spelled in it, where it is known already.
    """
    if tagger is None:
        return None
    if letters is None:
        letters = find_letter_runs(tokens)
    units, chances = tagger.judge(tokens, letters)
    first = _likeliest(units, chances[:, Role.AGENT_FIRST].tolist())
    if first is None:
        return None
    chance = 1.0
    for mention in first:
        chance *= 1 - mention.probability
    last = _following(units, chances[:, Role.AGENT_LAST].tolist(), first)
    spans = {span for mention in (*first, *(last or ())) for span in _spans(units, mention)}
    return HeardAgent(
        usual_writing(_best_text(first), last=False),
        usual_writing(_best_text(last), last=True) if last else None,
        tuple(sorted(spans)),
        min(1 - chance, 0.99),
    )


def _likeliest(units: Units, chance: Sequence[float]) -> list[_Mention] | None:
    """Give the mentions of the name with the most weight, two words before one of them."""
    groups: dict[str, list[_Mention]] = defaultdict(list)
    for mention in _said(units, chance):
        groups[mention.key].append(mention)
    sums = {key: sum(mention.probability for mention in group) for key, group in groups.items()}
    best = max(sums, key=sums.__getitem__, default=None)
    if best is None or max(mention.probability for mention in groups[best]) < _AGENT_AT:
        return None
    longer = [
        key
        for key, group in groups.items()
        if len(key) > len(best)
        and best in key
        and sums[key] > 0.6 * sums[best]
        and max(min(chance[unit] for unit in mention.units) for mention in group) > 0.5
    ]
    return groups[max(longer, key=sums.__getitem__)] if longer else groups[best]


def _following(
    units: Units, chance: Sequence[float], first: Sequence[_Mention]
) -> list[_Mention] | None:
    """Give the likeliest last name of those that follow the first name somewhere."""
    after = {(units.turn[mention.units[-1]], mention.units[-1] + 1) for mention in first}
    likely = [
        mention
        for mention in _said(units, chance)
        if (units.turn[mention.units[0]], mention.units[0]) in after
    ]
    best = max(likely, key=lambda mention: (mention.probability, len(mention.key)), default=None)
    return [best] if best is not None and best.probability >= _AGENT_LAST_AT else None


def _tempered(units: Units, chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let the word that was spelled speak for its spelling.

    What a spelling names is seen from where the word was said just before it: "57 Burg Road,
    B-U-R-G" is no name, however much it is spelled.
    """
    result = chances.copy()
    for unit, run in enumerate(units.run):
        if run is None or len(units.key[unit]) < 3:
            continue
        key = units.key[unit]
        said = [
            other
            for other in range(max(0, unit - 25), unit)
            if units.run[other] is None and units.key[other] == key
        ]
        if said:
            heard = chances[said].max(axis=0)
            mixed = (chances[unit] * heard) ** 0.5
            result[unit] = mixed
            result[unit, Role.NONE] = max(1 - mixed[1:].sum(), 0.0)
    return result


_ROLES = {
    JobField.FIRST_NAME: (Role.HOMEOWNER_FIRST, Role.HOMEOWNER_LAST),
    JobField.LAST_NAME: (Role.HOMEOWNER_LAST, Role.HOMEOWNER_FIRST),
}


def _candidates(units: Units, chances: NDArray[np.float64], field: JobField) -> list[Candidate]:
    role, partner = _ROLES[field]
    groups: dict[str, list[_Mention]] = defaultdict(list)
    for mention in _mentions(units, chances[:, role].tolist()):
        if field is JobField.LAST_NAME and mention.key in _PARTICLES:
            continue
        groups[mention.key].append(mention)
    if not groups:
        return []
    if len(groups) > _MOST:  # no call that a job comes from speaks of so many people
        weight = {key: sum(m.probability for m in found) for key, found in groups.items()}
        likely = sorted(weight, key=weight.__getitem__, reverse=True)[:_MOST]
        groups = {key: groups[key] for key in likely}
    alike = _alike(groups)
    _let_spelling_speak(units, groups, alike)
    described = _describe(units, chances, groups, alike, role, partner)
    candidates = []
    for key, mentions in groups.items():
        spans = sorted({span for mention in mentions for span in _spans(units, mention)})
        value = usual_writing(_best_text(mentions), last=field is JobField.LAST_NAME)
        candidates.append(Candidate(field, value, tuple(spans), described[key]))
    return sorted(candidates, key=lambda candidate: candidate.evidence[0])


def _mentions(units: Units, chance: Sequence[float]) -> Iterable[_Mention]:
    """Yield all mentions but the parts of a spelling that together spell a word that was said."""
    words = {key for key, run in zip(units.key, units.run, strict=True) if run is None}
    chains = list(_spelled_over_turns(units, chance))
    parts = {unit for chain in chains if chain.key in words for unit in chain.units}
    for mention in (*_said(units, chance), *chains):
        if mention.key in words or not (mention.spelled and parts.issuperset(mention.units)):
            yield mention


def _said(units: Units, chance: Sequence[float]) -> Iterable[_Mention]:
    """Yield single units, and neighbours in a turn that are likely the same name's parts."""
    for first, last in units.bounds:
        for at in range(first, last):
            if chance[at] < _LEAST and units.key[at] not in _PARTICLES:
                continue
            if _follows_particle(units, chance, at, first):
                continue
            members = [at]
            while True:
                members_chance = max(chance[unit] for unit in members)
                if members_chance >= _LEAST:
                    probability = sum(
                        max(chance[unit], members_chance * (units.key[unit] in _PARTICLES))
                        for unit in members
                    ) / len(members)
                    unfinished = (
                        units.key[members[-1]] in _PARTICLES
                        and members[-1] + 1 < last
                        and chance[members[-1] + 1] >= _LEAST
                    )
                    if (chance[at] >= _LEAST or len(members) > 1) and not unfinished:
                        yield _mention(units, members, probability)
                following = members[-1] + 1
                if following + 1 < last and units.key[following] in {"dash", "hyphen"}:
                    following += 1
                if (
                    following >= last
                    or len(members) == _LONGEST
                    or (units.pause[members[-1]] and units.run[following] is None)
                    or not units.key[following]
                    or (chance[following] < 5 * _LEAST and units.key[following] not in _PARTICLES)
                    or units.key[following] == units.key[members[-1]]
                ):
                    break
                members = [*members, following]


def _follows_particle(units: Units, chance: Sequence[float], at: int, first: int) -> bool:
    """Tell whether a word is but the end of "de leon" or "al dash rashid"."""
    if at > first and units.key[at - 1] in _PARTICLES:
        return chance[at - 1] >= 0.1
    dashed = at > first + 1 and units.key[at - 1] in {"dash", "hyphen"}
    return dashed and units.key[at - 2] in _PARTICLES


def _spelled_over_turns(units: Units, chance: Sequence[float]) -> Iterable[_Mention]:
    """Yield runs of one speaker that continue each other: "r e y" … "mm hm" … "n o l d s"."""
    spelled = [unit for unit, run in enumerate(units.run) if run is not None]
    for start, unit in enumerate(spelled):
        chain = [unit]
        for following in spelled[start + 1 :]:
            if len(chain) == _LONGEST or not _continues(units, chain[-1], following):
                break
            chain.append(following)
            probability = sum(chance[member] for member in chain) / len(chain)
            if probability >= _LEAST:
                yield _mention(units, chain, probability)


def _continues(units: Units, one: int, other: int) -> bool:
    turn, other_turn = units.turn[one], units.turn[other]
    if turn == other_turn:
        return other - one <= 2
    at_end = units.bounds[turn][1] - 1 - one <= 1
    at_start = other - units.bounds[other_turn][0] <= 1
    between = units.bounds[other_turn][0] - units.bounds[turn][1]
    if units.speaker(one) != units.speaker(other):
        return other_turn == turn + 1 and at_end and at_start
    return other_turn - turn <= 2 and at_end and at_start and between <= 4


def _mention(units: Units, members: Sequence[int], probability: float) -> _Mention:
    tokens = units.tokens
    text = ""
    for place, unit in enumerate(members):
        run = units.run[unit]
        part = tokens.transcript.quote(_span(units, unit)) if run is None else run.text
        if place:
            before = units.last[members[place - 1]]
            gap = tokens.lower[before : units.first[unit]]
            runs = run is not None and units.run[members[place - 1]] is not None
            text += "-" if {"-", "hyphen", "dash"} & set(gap) else "" if runs else " "
        text += part
    return _Mention(
        tuple(members),
        fold(text),
        text,
        float(probability),
        all(units.run[unit] is not None for unit in members),
    )


def _span(units: Units, unit: int) -> Span:
    return units.tokens.span(units.first[unit], units.last[unit])


def _spans(units: Units, mention: _Mention) -> Iterable[Span]:
    start = mention.units[0]
    previous = start
    for unit in (*mention.units[1:], None):
        if unit is None or units.turn[unit] != units.turn[start]:
            yield units.tokens.span(units.first[start], units.last[previous])
            if unit is not None:
                start = unit
        if unit is not None:
            previous = unit


def _best_text(mentions: Sequence[_Mention]) -> str:
    """Give the most telling writing: mixed case within a word, then spoken marks, then words."""

    def telling(mention: _Mention) -> tuple[bool, bool, bool, float]:
        text = mention.text
        return (
            not text.isascii(),
            any(char.isupper() for char in text[1:]) and not text.isupper(),
            not text.isalpha(),
            mention.probability,
        )

    return max(mentions, key=telling).text


def _describe(
    units: Units,
    chances: NDArray[np.float64],
    groups: dict[str, list[_Mention]],
    alike: Mapping[str, Sequence[str]],
    role: Role,
    partner: Role,
) -> dict[str, dict[str, float]]:
    """Give each candidate's features, by key."""
    turns = units.tokens.transcript.turns
    count = max(len(turns), 1)
    sums = {key: sum(m.probability for m in mentions) for key, mentions in groups.items()}
    peaks = {key: max(m.probability for m in mentions) for key, mentions in groups.items()}
    total = sum(sums.values())
    order = sorted(sums, key=lambda key: -sums[key])
    rank = {key: place for place, key in enumerate(order)}
    chance = chances[:, role].tolist()
    other = chances[:, partner].tolist()
    partner_sums: dict[str, float] = defaultdict(float)
    for unit, probability in enumerate(other):
        if probability >= _LEAST:
            partner_sums[units.key[unit]] += probability
    best_partner = max(partner_sums, key=partner_sums.__getitem__, default="")
    agent_sums: dict[str, float] = defaultdict(float)
    for unit, probability in enumerate(
        chances[:, [Role.AGENT_FIRST, Role.AGENT_LAST]].sum(axis=1).tolist()
    ):
        agent_sums[units.key[unit]] += probability
    partner_turns = [
        units.turn[unit] for unit, key in enumerate(units.key) if key and key == best_partner
    ]
    asked = asked_kinds(units)
    spelled_whole = {key: [m for m in mentions if m.spelled] for key, mentions in groups.items()}
    long_runs = [run.text for run in units.run if run is not None and run.letters > 5]
    short = {key: nicknames(key) for key in groups}
    step = 1 if role is Role.HOMEOWNER_FIRST else -1
    result = {}
    for key, mentions in groups.items():
        p = [m.probability for m in mentions]
        speakers = [units.speaker(m.units[0]) for m in mentions]
        caller = [m for m, who in zip(mentions, speakers, strict=True) if who != Speaker.AGENT]
        agent = [m for m, who in zip(mentions, speakers, strict=True) if who == Speaker.AGENT]
        caller_turns = {units.turn[m.units[0]] for m in caller}
        agent_turns = {units.turn[m.units[0]] for m in agent}
        spelled = spelled_whole[key]
        members = [unit for m in mentions for unit in m.units]
        missed = 1.0
        for value in p:
            missed *= 1 - value
        near = alike[key]
        last_turn = max(units.turn[m.units[-1]] for m in mentions)
        neighbours = [
            unit
            for m in mentions
            for unit in [m.units[-1] + 1 if step > 0 else m.units[0] - 1]
            if 0 <= unit < len(units) and units.turn[unit] == units.turn[m.units[0]]
        ]
        around = [
            unit
            for m in mentions
            for unit in (m.units[0] - 1, m.units[-1] + 1)
            if 0 <= unit < len(units)
            and units.turn[unit] in (units.turn[m.units[0]], units.turn[m.units[-1]])
        ]
        before = [
            units.key[m.units[0] - 1]
            for m in mentions
            if m.units[0] > units.bounds[units.turn[m.units[0]]][0]
        ]
        evidence = name_evidence().get(key)
        result[key] = {
            "p_max": max(p),
            "p_sum": sums[key],
            "p_mean": sums[key] / len(p),
            "p_any": 1 - missed,
            "p_caller": max((m.probability for m in caller), default=0.0),
            "p_agent": max((m.probability for m in agent), default=0.0),
            "p_best_share": sums[key] / total,
            "p_rank": float(min(rank[key], 9)),
            "p_partner": float(max(other[unit] for unit in members)),
            "p_agent_first": float(chances[members, Role.AGENT_FIRST].max()),
            "p_agent_last": float(chances[members, Role.AGENT_LAST].max()),
            "p_none": float(chances[members, Role.NONE].min()),
            "mentions": float(len(mentions)),
            "by_caller": float(len(caller)),
            "by_agent": float(len(agent)),
            "both_sides": float(bool(caller) and bool(agent)),
            "spelled_by_caller": float(sum(m.spelled for m in caller)),
            "spelled_by_agent": float(sum(m.spelled for m in agent)),
            "spelled_by_word": float(
                sum(run.as_in for m in spelled for u in m.units if (run := units.run[u]))
            ),
            "spelled_over_turns": float(any(len(m.units) > 1 for m in spelled)),
            "in_spelling": float(any(key in text and key != text for text in long_runs)),
            "alike_p_sum": sum(sums[name] for name in near),
            "alike_spelled_by_caller": float(
                any(
                    units.speaker(m.units[0]) != Speaker.AGENT
                    for name in near
                    for m in spelled_whole[name]
                )
            ),
            "alike_spelled_other": float(any(spelled_whole[name] for name in near)),
            "alike_said_later": float(
                any(units.turn[m.units[0]] > last_turn for name in near for m in groups[name])
            ),
            "alike_by_caller": float(
                any(
                    units.speaker(m.units[0]) != Speaker.AGENT
                    for name in near
                    for m in groups[name]
                )
            ),
            "echoed": float(any({turn - 1, turn + 1} & caller_turns for turn in agent_turns)),
            "corrected": float(any(_after_no(units, m) for m in caller)),
            "after_question": float(
                any(units.turn[m.units[0]] and _is_asked(units, m) for m in caller)
            ),
            "titled": float(any(word in _TITLES for word in before)),
            "beside_partner": max((other[unit] for unit in neighbours), default=0.0),
            "beside_best_partner": float(any(units.key[u] == best_partner for u in neighbours)),
            "extends": max((chance[unit] for unit in around), default=0.0),
            "extended": float(any(len(m.units) > 1 and not m.spelled for m in mentions)),
            "words": float(max(len(m.units) for m in mentions)),
            "length": float(min(len(key), 14)),
            "list_first": float(evidence.first if evidence else 0),
            "list_last": float(evidence.last if evidence else 0),
            "list_word": float(evidence.word if evidence else 0),
            "first_said": min(units.turn[m.units[0]] for m in mentions) / count,
            "last_said": last_turn / count,
            "best_partner": max(partner_sums.values(), default=0.0),
            "candidates": float(len(groups)),
            "p_heard": max((m.probability for m in mentions if not m.spelled), default=0.0),
            "p_spelled": max((m.probability for m in spelled), default=0.0),
            "p_first": mentions[0].probability,
            "p_last": mentions[-1].probability,
            "confirmed": float(sum(_answered(units, m, _YES) for m in agent)),
            "rejected": float(sum(_answered(units, m, _NO) for m in agent)),
            "pair_sum": sum(
                m.probability * other[unit]
                for m in mentions
                for unit in [m.units[-1] + 1 if step > 0 else m.units[0] - 1]
                if 0 <= unit < len(units) and units.turn[unit] == units.turn[m.units[0]]
            ),
            "after_number": sum(
                m.units[0] > 0 and _is_number(units.key[m.units[0] - 1], units, m.units[0] - 1)
                for m in mentions
            )
            / len(mentions),
            "before_street": float(
                sum(
                    units.key[m.units[-1] + 1] in _STREETS
                    for m in mentions
                    if m.units[-1] + 1 < len(units)
                )
            ),
            "kin": float(sum(bool(_KIN & set(_left(units, m))) for m in mentions)),
            "account": float(sum(bool(_ACCOUNT & set(_left(units, m))) for m in mentions)),
            "covered": max(
                (
                    len(groups[longer]) / len(mentions)
                    for longer in groups
                    if longer != key and key in longer and _is_phrase(groups[longer])
                ),
                default=0.0,
            ),
            "covers": max(
                (
                    len(mentions) / len(groups[shorter])
                    for shorter in groups
                    if shorter != key and shorter in key
                ),
                default=0.0,
            ),
            "is_nickname": float(any(key in short.get(name, ()) for name in groups)),
            "has_nickname": float(bool(short.get(key, frozenset()) & groups.keys())),
            "is_partner": float(key == best_partner),
            "partner_share": partner_sums.get(key, 0.0) / (sums[key] + partner_sums.get(key, 0.0)),
            "spelled_unsaid": float(len(spelled) == len(mentions)),
            "partner_gap": min(
                (_gap(partner_turns, units.turn[m.units[0]]) for m in mentions), default=20.0
            ),
            "asked_first": float(sum(bool(asked[units.turn[m.units[0]]] & 2) for m in caller)),
            "asked_last": float(sum(bool(asked[units.turn[m.units[0]]] & 4) for m in caller)),
            "asked_now": float(sum(asked[units.turn[m.units[0]]] == 1 for m in caller)),
            "agent_share": agent_sums.get(key, 0.0) / (sums[key] + agent_sums.get(key, 0.0)),
            "p_lead": max(p) - max((peaks[name] for name in peaks if name != key), default=0.0),
            "p_ratio": sums[key] / sums[order[0]],
            "only_word": float(sum(_fills_turn(units, m) for m in caller)),
        }
    return result


def _alike(groups: dict[str, list[_Mention]]) -> dict[str, list[str]]:
    """Give for each name the other ones that may be the same, heard or spelled otherwise."""
    from jellyfish import metaphone
    from rapidfuzz.distance import JaroWinkler

    sounds = {key: metaphone(key) for key in groups}
    return {
        key: [
            name
            for name in groups
            if name != key
            and (
                JaroWinkler.similarity(key, name) >= _ALIKE
                or (sounds[key] == sounds[name] and len(sounds[key]) > 1)
            )
        ]
        for key in groups
    }


_YES = frozenset("yes yeah yep yup correct right thats mm uh sure".split())
_NO = frozenset("no nope not".split())
_KIN = frozenset(
    "husband wife son daughter brother sister mother father mom mama dad daddy neighbor neighbors "
    "tenant tenants landlord boss cousin uncle aunt buddy friend grandson granddaughter tech guy "
    "technician dog cat manager realtor nephew niece partner coworker boyfriend girlfriend".split()
)
_ACCOUNT = frozenset("account under name names put lease contract paperwork ticket".split())
_STREETS = frozenset(
    "street st avenue ave road rd drive dr lane ln court ct boulevard blvd place circle terrace "
    "highway parkway trail way cove point ridge loop crossing square county lake park".split()
)


def _gap(turns: Sequence[int], turn: int) -> float:
    """Give how many turns lie between a turn and the nearest of some, at most 20."""
    place = bisect_left(turns, turn)
    return float(min([20, *(abs(near - turn) for near in turns[max(0, place - 1) : place + 1])]))


def _fills_turn(units: Units, mention: _Mention) -> bool:
    first, last = units.bounds[units.turn[mention.units[0]]]
    return last - first <= len(mention.units) + 1


def _left(units: Units, mention: _Mention) -> list[str]:
    first = units.bounds[units.turn[mention.units[0]]][0]
    return units.key[max(first, mention.units[0] - 4) : mention.units[0]]


def _answered(units: Units, mention: _Mention, words: frozenset[str]) -> bool:
    """Tell whether the next turn is another speaker's and begins with one of the words."""
    turn = units.turn[mention.units[-1]]
    turns = units.tokens.transcript.turns
    if turn + 1 >= len(turns) or turns[turn + 1].speaker == turns[turn].speaker:
        return False
    first, last = units.bounds[turn + 1]
    return bool(words & set(units.key[first : min(last, first + 2)]))


_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve oh zero hundred fifty twenty "
    "thirty forty sixty seventy eighty ninety fifteen thousand ate for too".split()
)


def _is_number(key: str, units: Units, unit: int) -> bool:
    return not key or key in _NUMBER_WORDS


def _is_phrase(mentions: Sequence[_Mention]) -> bool:
    return any(len(m.units) > 1 and not m.spelled for m in mentions)


@lru_cache(maxsize=1)
def _nicknamer() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()


@lru_cache(maxsize=4096)
def nicknames(key: str) -> frozenset[str]:
    """Give the short forms a first name is known to have ("robert" → "bob", "rob", …)."""
    return frozenset(_nicknamer().nicknames_of(key))


def _let_spelling_speak(
    units: Units, groups: dict[str, list[_Mention]], alike: Mapping[str, Sequence[str]]
) -> None:
    """Raise what a caller spelled to the chance of the word it spells, heard otherwise before."""
    for key, mentions in groups.items():
        heard = [m for name in alike[key] for m in groups[name] if not m.spelled]
        for place, mention in enumerate(mentions):
            if not mention.spelled or units.speaker(mention.units[0]) == Speaker.AGENT:
                continue
            chance = max(
                (m.probability for m in heard if m.units[0] < mention.units[0]), default=0.0
            )
            if chance > mention.probability and len(key) > 2:
                mentions[place] = replace(mention, probability=chance)


def _after_no(units: Units, mention: _Mention) -> bool:
    first = units.bounds[units.turn[mention.units[0]]][0]
    words = units.key[first : min(first + 3, mention.units[0])]
    return "no" in words or "nope" in words or "actually" in words


def _is_asked(units: Units, mention: _Mention) -> bool:
    first, last = units.bounds[units.turn[mention.units[0]] - 1]
    return bool({"name", "spell", "who", "whose"} & set(units.key[max(first, last - 14) : last]))


def usual_writing(text: str, *, last: bool) -> str:
    """Write a name as is usual: "mcnair" → "McNair", "o malley" → "O'Malley", "al rashid" kept.

    Args:
        text: As recognised or spelled; a part in mixed case is kept as it is.
        last: Whether it is a last name, whose "mc", "o" and "d" are particles.
    """
    parts = text.replace("’", "'").split()
    joined: list[str] = []
    for part in parts:
        if joined and last and joined[-1].lower() in {"o", "d", "mc", "mac"}:
            glue = "'" if joined[-1].lower() in {"o", "d"} else ""
            joined[-1] = joined[-1] + glue + part
        else:
            joined.append(part)
    return " ".join("-".join(_cap(piece, last) for piece in part.split("-")) for part in joined)


def _cap(part: str, last: bool) -> str:
    if not part:
        return part
    if part[1:] != part[1:].lower() and not part.isupper():
        return part
    lower = part.lower()
    head, apostrophe, tail = lower.partition("'")
    if apostrophe and len(head) <= 2 and len(tail) > 1:
        return f"{head.capitalize()}'{tail.capitalize()}"
    if last and lower.startswith("mc") and len(lower) > 4:
        return "Mc" + lower[2:].capitalize()
    return lower.capitalize()
