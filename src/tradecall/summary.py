"""``ClauseSummarizer``: what is needed, for a dispatcher, in at most 280 characters.

Takes a call's tokens and what the other stages found, gives a ``Summary``: a sentence of the
fullest clauses, a list of what else was told, the wished time. The words are the call's own:
stretches are cut out of what was said, trimmed and joined, never composed. Which stretches is a
trained choice: each word stem has a probability of belonging to what a good summary holds, and
stretches are packed by what they add for their length. ``unsaid()`` checks any summary, ours or
another's, against the call.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tradecall.errors import ModelError
from tradecall.model_store import ModelInfo, load_model, save_model, versions
from tradecall.tokens import tokenize
from tradecall.transcript import Span, Speaker

if TYPE_CHECKING:
    from tradecall.dataset import GoldCall
    from tradecall.tokens import Tokens

MAX_CHARACTERS = 280
_LONGEST = 4
_LONGEST_TIME = 48


@dataclass(frozen=True, slots=True)
class Summary:
    """What is needed, in plain sentences, and the stretches of the call it was cut from."""

    text: str
    evidence: tuple[Span, ...]


class Summarizer(Protocol):
    """A replaceable part: whatever turns a call into a short note for the dispatcher."""

    def summarize(
        self,
        tokens: Tokens,
        sector: str | None,
        urgency: str | None,
        preferred_time: str | None,
        *,
        redactions: Sequence[Span] = (),
    ) -> Summary:
        """Say what is needed.

        Args:
            tokens: The call.
            sector: Label of the work needed, None where it is unknown.
            urgency: ``emergency``, ``urgent`` or ``routine``.
            preferred_time: The wished time as said.
            redactions: Stretches that must not appear: names, phones, e-mails, addresses.

        Returns:
            At most ``MAX_CHARACTERS`` characters that say nothing the call does not.
        """


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUBJECTS = _words(
    "i im ive id ill i'm i've i'd i'll he hes he's hed he'd hell he'll she shes she's shed she'd "
    "she'll it its it's itll it'll they theyre they're theyve they've theyll they'll theyd we "
    "we're weve we've we'd we'll you youre you're youve you've youll you'll youd yall y'all ya me "
    "us him them that thats that's this these those there theres there's here heres here's "
    "somebody who whos "
    "which what whats what's where when while if unless because cause cuz since so but then "
    "whoever everybody nobody lets let's how why whether although though until till cant"
) - _words("cant since until till")
_FILLERS = _words(
    "um uh uhm er ah oh hm hmm mm mhm yeah yep yup yes yah okay ok alright well hey hi hello right "
    "please thanks thank sorry sir maam ma'am hon honey sugar lord gosh goodness wow ha haha huh "
    "actually basically honestly really literally just kinda sorta anyway anyways bye goodbye sure "
    "absolutely exactly correct perfect great gotcha wait listen look mean guess think know reckon "
    "suppose figure figured said says say saying tell told telling ask asked maybe probably even "
    "like you know course nope uhhuh mmhm alrighty sounds bless"
)
_DETERMINERS = _words("a an the my our your his her their its some any another own")
_AUXILIARIES = _words(
    "is are was were be been being am has have had got gets get do does did gonna going go goes "
    "went would could should will can may might must 's 're 've 'd 'll"
)
_PREPOSITIONS = _words(
    "in on at by under behind from over above near through threw with without since for after "
    "before during around between into onto inside outside underneath beside next against along "
    "across until till where"
)
_JOINERS = _words("and or")
_WEAK = _words("to of as than very too also now then still there here not no up out down off")
_LEADING = (
    _DETERMINERS
    | _AUXILIARIES
    | _JOINERS
    | _words("now then also so very too to of as than there here")
)
_TRAILING = (
    _DETERMINERS
    | _AUXILIARIES
    | _PREPOSITIONS
    | _JOINERS
    | _words("to of as than very too also so that not no don't doesn't didn't won't can't let lets")
    | _words("hang try want wants need needs wanna come getting how hows then now there here")
) - _words("inside outside through underneath before around going")
_FUNCTION = _SUBJECTS | _FILLERS | _DETERMINERS | _AUXILIARIES | _PREPOSITIONS | _JOINERS | _WEAK
_QUESTION_OPENERS = _words(
    "is are was were do does did have has had can could would will should any what whats what's "
    "where wheres when who whos how which what'd or did'ya anything anybody"
)
_DOUBT = _words("think sure believe doubt know mean say said guess")
_NEGATIVE = _words("not don't dont didn't didnt isn't isnt aint ain't never doubt wasn't wasnt")
_DENYING = _words(
    "no not never without nothing none don't dont doesn't doesnt didn't didnt isn't isnt aren't "
    "arent wasn't wasnt weren't werent won't wont can't cant couldn't couldnt wouldn't wouldnt "
    "hasn't hasnt haven't havent hadn't hadnt ain't aint"
)
_POINTING = _words("that those these this")
_THIRD_PERSON = {
    "need": "needs", "want": "wants", "wanna": "wants to", "hear": "hears", "see": "sees",
    "smell": "smells", "feel": "feels", "keep": "keeps", "rent": "rents", "manage": "manages",
    "use": "uses", "live": "lives", "prefer": "prefers",
}  # fmt: skip
_CONTRACTIONS = {
    "wont": "won't", "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't",
    "wasnt": "wasn't", "arent": "aren't", "cant": "can't", "couldnt": "couldn't",
    "wouldnt": "wouldn't", "hasnt": "hasn't", "havent": "haven't", "aint": "isn't",
    "ain't": "isn't", "werent": "weren't", "hadnt": "hadn't", "threw": "through",
    "oclock": "o'clock",
}  # fmt: skip
_CAPITALS = {
    word: word.upper()
    for word in "ac hvac gfci gfi hoa ev tv pvc pex led diy psi rv fha va btu usb wifi".split()
} | {
    word: word.capitalize()
    for word in (
        "monday tuesday wednesday thursday friday saturday sunday january february april june july "
        "august september october november december christmas thanksgiving easter halloween".split()
    )
}
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
_DIGITS = dict.fromkeys(
    "zero oh o one two three four five six seven eight nine won ate".split(), 1
) | dict.fromkeys(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), 2
)
_UNITS = _DIGITS | dict.fromkeys(_TENS, 2)
_DIGIT_HOMOPHONES = _words("to too for fore")
_SCALES = _words("hundred thousand double triple")
_STREETS = _words(
    "street avenue road drive lane court boulevard place circle terrace highway parkway trail way "
    "cove st ave rd dr ln ct blvd apartment apt"
)
_TITLES = _words("mr mrs ms miss mister missus doctor dr pastor reverend sergeant officer captain")
_MAIL = _words(
    "dot com net org gmail yahoo hotmail outlook aol icloud protonmail comcast underscore email "
    "mail lowercase capital spelled spell"
)
_SENTENCE_END = frozenset(".?!")
_PAIRED_SECTORS = _words("windows_doors concrete_masonry pool_spa")
_PUNCTUATION = re.compile(r"^[^\w]+$")
_INITIALS = re.compile(r"(?:[a-z]\.){1,3}[a-z]?$")
_NO_INITIALS = _words("a.m a.m. p.m p.m. a.c a.c.")
_YEAR = re.compile(r"(?:19|20)\d\d$")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Give what forms of one word share ("leaks", "leaking", "leaked" → "leak")."""
    for ending, rest, least in (
        ("ies", "y", 5), ("ing", "", 6), ("ed", "", 5), ("es", "", 6), ("s", "", 4),
    ):  # fmt: skip
        if len(word) >= least and word.endswith(ending) and not word.endswith("ss"):
            word = word[: -len(ending)] + rest
            if len(word) > 3 and word[-1] == word[-2] and ending in ("ing", "ed"):
                word = word[:-1]
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


_TIME_STEMS = frozenset(
    map(
        stem,
        "monday tuesday wednesday thursday friday saturday sunday today tomorrow tonight morning "
        "afternoon evening noon week time day one two three four five six seven eight nine ten "
        "eleven twelve thirty early openings appointment".split(),
    )
)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A stretch that can stand in a summary: tokens ``[first, last)`` of one segment."""

    segment: int
    first: int
    last: int
    alone: str
    joined: str
    stems: tuple[str, ...]
    link: str
    lead: str


def unsafe_tokens(
    tokens: Tokens, redactions: Sequence[Span], vocabulary: frozenset[str] | None
) -> bytearray:
    """Mark the tokens that no summary may repeat, one byte a token.

    These are the redactions, spoken or written numbers of three digits and more (years and round
    numbers aside), spelled letters, turns that are mostly such, what follows a title, street
    addresses, e-mail addresses, and every word outside ``vocabulary`` (where there is one), which
    is how unknown names stay out.
    """
    marks = bytearray(len(tokens))
    _mark_spans(marks, tokens, redactions)
    for first, last in tokens.bounds:
        figures = _mark_numbers(marks, tokens.lower, first, last)
        figures += _mark_words(marks, tokens, first, last, vocabulary)
        if figures * 2 > last - first:
            marks[first:last] = b"\1" * (last - first)
        else:
            _close_gaps(marks, first, last)
    return marks


def _mark_spans(marks: bytearray, tokens: Tokens, spans: Sequence[Span]) -> None:
    waiting = sorted(spans, reverse=True)
    for token, start in enumerate(tokens.start):
        while waiting and waiting[-1].end <= start:
            waiting.pop()
        if not waiting:
            return
        if any(span.start < tokens.end[token] and span.end > start for span in waiting[-3:]):
            marks[token] = 1


def _mark_numbers(marks: bytearray, lower: Sequence[str], first: int, last: int) -> int:
    """Mark long numbers of a turn and street names after them; give the words they take."""
    figures, token = 0, first
    while token < last:
        begin, digits, scaled = token, 0, False
        while token < last:
            word = lower[token]
            size = count_digits(word)
            if not size and token > begin:
                scaled = scaled or word in _SCALES
                if word in _DIGIT_HOMOPHONES and token - begin >= 2:
                    size = 1
                elif word not in _SCALES and word != "-":
                    break
            elif not size:
                break
            elif size == 1 and token > begin and lower[token - 1] in _TENS:
                size = 0
            digits += size
            token += 1
        if token == begin:
            token += 1
            continue
        figures += token - begin
        street = next(
            (near for near in range(token, min(token + 4, last)) if lower[near] in _STREETS), None
        )
        if street is not None:
            marks[begin : street + 1] = b"\1" * (street + 1 - begin)
        elif digits >= 3 and not scaled and not _is_year(lower[begin:token]):
            marks[begin:token] = b"\1" * (token - begin)
    return figures


@lru_cache(maxsize=8192)
def count_digits(word: str) -> int:
    """Give how many digits a word stands for; a written year counts as two."""
    if word in _UNITS:
        return _UNITS[word]
    if "@" in word:
        return 0
    return 2 if _YEAR.match(word) else sum(map(str.isdigit, word))


def _mark_words(
    marks: bytearray, tokens: Tokens, first: int, last: int, vocabulary: frozenset[str] | None
) -> int:
    """Mark a turn's letters, mail words, named people and strange words; give how many spell."""
    lower = tokens.lower
    spelling = 0
    for token in range(first, last):
        word = lower[token]
        if len(word) == 1 and word.isalpha() and word not in "ai":
            marks[token] = 1
            spelling += 1
        elif (
            "@" in word
            or (_INITIALS.match(word) and word not in _NO_INITIALS)
            or (vocabulary is not None and _foreign(word, vocabulary))
        ):
            marks[token] = 1
        if word in _MAIL or (word == "as" and token + 1 < last and lower[token + 1] == "in"):
            spelling += 1
            begin, end = max(token - 1, first), min(token + 3, last)
            marks[begin:end] = b"\1" * (end - begin)
        if word in _TITLES:
            end = min(token + 3, last)
            marks[token:end] = b"\1" * (end - token)
    return spelling


def _close_gaps(marks: bytearray, first: int, last: int) -> None:
    """Mark what stands, three words or fewer, between two marked tokens: bits of a spelling."""
    before = -9
    for token in range(first, last):
        if marks[token]:
            if 1 < token - before <= 4:
                marks[before:token] = b"\1" * (token - before)
            before = token


def _is_year(run: Sequence[str]) -> bool:
    return (run[0] == "nineteen" and len(run) in (2, 3)) or (
        len(run) == 1 and _YEAR.match(run[0]) is not None
    )


def _foreign(word: str, vocabulary: frozenset[str]) -> bool:
    return (
        word not in vocabulary
        and stem(word) not in vocabulary
        and word not in _UNITS
        and word.replace("-", "").isalpha()
    )


def unsaid(
    text: str,
    tokens: Tokens,
    unsafe: Sequence[int],
    sector: str | None = None,
    preferred_time: str | None = None,
) -> tuple[str, ...]:
    """Give the content words and numbers of a summary that the call does not hold.

    Words are compared by their stems; small words, the sector's name and what every dispatcher's
    note may say ("caller", "wants", "time") need not be in the call. A word that the call only
    denies ("no smoke", "any smoke" - "no") counts as held only where the summary denies it too.

    Args:
        text: The summary.
        tokens: The call.
        unsafe: Truthy for each token that does not count, as ``unsafe_tokens`` gives them.
        sector: Label whose name may stand in the summary.
        preferred_time: The wished time, which may stand there too.
    """
    from tradecall.spoken_numbers import find_number_runs

    said: dict[str, bool] = {}
    negated = {
        turn
        for turn in range(len(tokens.bounds) - 1)
        if tokens.transcript.turns[turn].speaker is Speaker.AGENT and _answered_no(tokens, turn)
    }
    for token, word in enumerate(tokens.lower):
        if not unsafe[token]:
            turn = tokens.turn[token]
            denied = turn in negated or _is_denied(tokens.lower, token, tokens.bounds[turn][0])
            for form in {
                word,
                _CONTRACTIONS.get(word, word),
                _HEARD_NUMBERS.get(word, word),
                _THIRD_PERSON.get(word, word),
            }:
                said[stem(form)] = said.get(stem(form), True) and denied
    figures = {
        figure
        for token, word in enumerate(tokens.lower)
        if not unsafe[token]
        for figure in _FIGURE.findall(word)
    }
    for run in find_number_runs(tokens):
        if not any(unsafe[run.first : run.last]):
            figures.update(run.readings)
    allowed = _NOTE_WORDS | frozenset(_title(sector).lower().split() if sector else ())
    if preferred_time:
        time = _written_time(preferred_time).lower()
        allowed |= frozenset(_SAID_WORD.findall(time))
        figures.update(_FIGURE.findall(time))
    missing = []
    words = _SAID_WORD.findall(text.lower().replace("’", "'"))
    for index, word in enumerate(words):
        plain = word.removesuffix("'s")
        if _FIGURE.search(plain):
            if plain not in said and not figures.issuperset(_FIGURE.findall(plain)):
                missing.append(word)
        elif plain not in _FUNCTION and plain not in _DENYING and plain not in allowed:
            only_denied = said.get(stem(plain))
            if only_denied is None or (only_denied and not _is_denied(words, index, 0)):
                missing.append(word)
    return tuple(missing)


_SAID_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")
_FIGURE = re.compile(r"\d+")
_NOTE_WORDS = _words(
    "caller customer homeowner wants needs requests reports asks wishes time details given urgent "
    "emergency routine also details"
)


def _is_denied(words: Sequence[str], index: int, first: int) -> bool:
    for place in range(index - 1, max(first, index - 3) - 1, -1):
        word = words[place]
        if word in _DENYING:
            # "no, the corner" answers a question, "no heat" denies
            return word != "no" or place == index - 1
        if not word[0].isalnum() or (word in _SUBJECTS and word not in _POINTING):
            return False
    return False


def _segments(tokens: Tokens, unsafe: bytearray) -> Iterable[tuple[list[int], str]]:
    """Yield stretches between subjects, fillers and stops: their tokens, the word before them."""
    lower = tokens.lower
    turns = tokens.transcript.turns
    greeted = False
    for turn, (first, last) in enumerate(tokens.bounds):
        speaker = turns[turn].speaker
        agent = speaker is Speaker.AGENT
        if speaker is Speaker.SYSTEM or (agent and not greeted):
            greeted = greeted or agent
            continue
        # "any smoke or flames" - "no": what was asked is not so
        if agent and _answered_no(tokens, turn):
            continue
        affirmed = agent and _affirms(tokens, turn + 1)
        current: list[int] = []
        lead = ""
        negated = -9
        doubted = asking = skipping = False
        opening = True
        for token in range(first, last):
            word = lower[token]
            stop = word in _SENTENCE_END
            if opening and word not in _FILLERS and word not in _JOINERS and word != "so":
                asking = agent and not affirmed and word in _QUESTION_OPENERS
                opening = False
            if agent and not affirmed and word in _OPEN_QUESTION:
                asking = True
            filler = word in _FILLERS or (word == "no" and _is_interjection(lower, token, last))
            if filler or stop or unsafe[token] or word in _SUBJECTS or _PUNCTUATION.match(word):
                if word == "-" and current:
                    continue
                if current:
                    if not (asking or doubted or skipping):
                        yield current, lead
                    # "not that orange stuff", "don't plug that hole": what follows is denied
                    doubted = not stop and _leaves_denied(lower, current, word)
                    current = []
                    skipping = False
                if word in _DOUBT and token - negated <= 2:
                    doubted = True
                if word in _SUBJECTS:
                    lead = word
                    if word in ("if", "unless", "whether"):
                        following = lower[token + 1] if token + 1 < last else ""
                        skipping = following not in ("you", "yall", "y'all", "somebody", "i")
                elif stop or not filler:
                    lead = ""
                if stop:
                    opening, asking, doubted, skipping = True, False, False, False
            else:
                current.append(token)
                if word in _NEGATIVE:
                    negated = token
        if current and not (asking or doubted or skipping):
            yield current, lead


_OPEN_QUESTION = _words("any anything anybody anyone anywhere")


def _answered_no(tokens: Tokens, turn: int) -> bool:
    return turn + 1 < len(tokens.bounds) and tokens.words(turn + 1)[:1] in (
        ["no"],
        ["nope"],
        ["nah"],
    )


def _leaves_denied(lower: Sequence[str], current: Sequence[int], word: str) -> bool:
    tail = [lower[token] for token in current[-2 if word in _POINTING else -1 :]]
    return word != "," and not _DENYING.isdisjoint(tail)


def _affirms(tokens: Tokens, turn: int) -> bool:
    return turn < len(tokens.bounds) and bool(
        set(tokens.words(turn)[:2]) & {"yes", "yeah", "yep", "right", "correct", "exactly", "yup"}
    )


def _is_interjection(lower: Sequence[str], token: int, last: int) -> bool:
    following = lower[token + 1] if token + 1 < last else ""
    return (
        not following
        or following in _SUBJECTS
        or following in _FILLERS
        or following in _DETERMINERS
        or following in _AUXILIARIES
        or not following[0].isalpha()
        or following == "no"
    )


def _phrases(tokens: Tokens, unsafe: bytearray) -> list[_Phrase]:
    lower = tokens.lower
    found = []
    for number, (segment, lead) in enumerate(_segments(tokens, unsafe)):
        begin = 0
        denied = False
        for at in range(1, len(segment) + 1):
            if at == len(segment) or (
                lower[segment[at]] in _PREPOSITIONS or lower[segment[at]] in _JOINERS
            ):
                phrase = _phrase(tokens, segment[begin:at], number, lead if begin == 0 else "")
                if phrase is not None and not denied:
                    found.append(phrase)
                # "not in the garage": the denial has no content of its own, what follows has
                denied = phrase is None and not _NEGATIVE.isdisjoint(
                    lower[token] for token in segment[begin:at]
                )
                begin = at
    return found


def _phrase(tokens: Tokens, part: list[int], segment: int, lead: str) -> _Phrase | None:
    lower = tokens.lower
    link = ""
    if lower[part[0]] in _PREPOSITIONS or lower[part[0]] in _JOINERS:
        link = lower[part[0]]
        part = part[1:]
    first, last = 0, len(part)
    while last > first and lower[part[last - 1]] in _TRAILING:
        last -= 1
    determiner = ""
    while first < last and lower[part[first]] in _LEADING:
        if lower[part[first]] in _DETERMINERS:
            determiner = lower[part[first]]
        first += 1
    body = part[first:last]
    stems = tuple(
        dict.fromkeys(
            stem(lower[token])
            for token in body
            if lower[token] not in _FUNCTION and len(lower[token]) > 1
        )
    )
    if not stems:
        return None
    words: list[str] = []
    for token in body:
        words = _append(words, tokens, token)
    own = lead in ("i", "we", "i'd", "id", "im", "i'm")
    if not link and words[0] in _THIRD_PERSON and (own or words[0] in _WISHES):
        words[0] = _THIRD_PERSON[words[0]]
    text = " ".join(words)
    if link in _PREPOSITIONS:
        article = "the " if determiner and determiner not in ("a", "an") else ""
        article = f"{determiner} " if determiner in ("a", "an", "the") else article
        link = _CONTRACTIONS.get(link, link)
        alone = joined = f"{link} {article}{text}"
    else:
        alone, joined = text, f"{link} {text}".strip()
    return _Phrase(segment, body[0], body[-1] + 1, alone, joined, stems, link, lead)


_WISHES = _words("need want wanna")


def _append(words: list[str], tokens: Tokens, token: int) -> list[str]:
    word = tokens.lower[token]
    if word == "'s" and words:
        return [*words[:-1], words[-1] + "'s"]
    if word in ("my", "our", "your"):
        word = "the"
    word = _meant(tokens.lower, token)
    word = _CONTRACTIONS.get(word) or _CAPITALS.get(word) or word
    if words and words[-1] == word and not count_digits(word):
        return words
    if words and tokens.lower[token - 1] == "-":
        return [*words[:-1], f"{words[-1]}-{word}"]
    if words and tokens.start[token] == tokens.end[token - 1] and tokens.text[token - 1] != "'s":
        return [*words[:-1], words[-1] + word]
    return [*words, word]


def _meant(lower: Sequence[str], token: int) -> str:
    """Give the number that was written as "won", "ate" or "too", where it can be nothing else."""
    word = lower[token]
    if word not in _HEARD_NUMBERS:
        return word
    before = lower[token - 1] if token else ""
    after = lower[token + 1] if token + 1 < len(lower) else ""
    if word in _DIGIT_HOMOPHONES:
        verb = before not in _TENS or after not in _AFTER_NUMBER - {"to"}
    elif word == "won":
        verb = before in _WINNERS or after in _WON
    else:
        verb = not (
            before in _BEFORE_NUMBER
            or after in _AFTER_NUMBER
            or count_digits(before) > 0
            or count_digits(after) > 0
        )
    return word if verb else _HEARD_NUMBERS[word]


def _is_clock(words: Sequence[str], index: int) -> bool:
    """Say whether "at too", "by for today" has an hour there."""
    following = words[index + 1] if index + 1 < len(words) else ""
    return index > 0 and words[index - 1] in _CLOCK_LINKS and not count_digits(following)


_CLOCK_LINKS = _words("at by before after around about between until till")
_HEARD_NUMBERS = {
    "won": "one", "ate": "eight", "to": "two", "too": "two", "for": "four", "fore": "four",
}  # fmt: skip
_WINNERS = _words("i we he she they who you it just already team never ever")
_WON = _words("the a an by my our it first that against us me her his their over")
_BEFORE_NUMBER = _words("at by before after until till about around like between and to for of or")
_AFTER_NUMBER = _words(
    "to oclock o'clock thirty fifteen inches inch feet foot years year months weeks days hours "
    "degrees hundred percent or am pm people panels windows"
)
_DENSE = (
    "said_by_caller", "said_by_agent", "by_both", "first_said", "early", "log_count",
    "sector_association", "rarity", "in_need_phrases", "after_place_word",
)  # fmt: skip


def _stem_features(
    tokens: Tokens, phrases: Sequence[_Phrase], sector: str | None, lexicon: _Lexicon, own: bool
) -> dict[str, list[float]]:
    """Describe each stem of a call's phrases by ``_DENSE``; ``own`` where the call is in counts."""
    turns = tokens.transcript.turns
    caller: Counter[str] = Counter()
    agent: Counter[str] = Counter()
    first: dict[str, int] = {}
    need: Counter[str] = Counter()
    placed: Counter[str] = Counter()
    for phrase in phrases:
        by_agent = turns[tokens.turn[phrase.first]].speaker is Speaker.AGENT
        wish = phrase.alone.startswith(("needs", "wants", "looking"))
        link = phrase.alone.partition(" ")[0] in _PREPOSITIONS
        for found in phrase.stems:
            first.setdefault(found, phrase.first)
            (agent if by_agent else caller)[found] += 1
            need[found] += wish
            placed[found] += link
    length = max(len(tokens), 1)
    rows = {}
    for found, position in first.items():
        share = position / length
        rows[found] = [
            math.log1p(caller[found]),
            math.log1p(agent[found]),
            float(bool(caller[found] and agent[found])),
            share,
            float(share < 0.25),
            math.log1p(caller[found] + agent[found]),
            lexicon.association(found, sector, own),
            lexicon.rarity(found, own),
            float(bool(need[found])),
            float(bool(placed[found])),
        ]
    return rows


@dataclass(frozen=True)
class _Lexicon:
    """How many calls hold each stem, in all and by sector."""

    calls: int
    holding: Mapping[str, int]
    sector_calls: Mapping[str, int]
    sector_holding: Mapping[str, Mapping[str, int]]

    def association(self, found: str, sector: str | None, own: bool) -> float:
        """Give the log of how much more often a sector's calls hold the stem than others do."""
        if sector is None:
            return 0.0
        share = (self.holding.get(found, 0) - own + 0.5) / (self.calls - own + 5)
        inside = self.sector_holding.get(sector, {}).get(found, 0) - own
        seen = self.sector_calls.get(sector, 0) - own
        return math.log((inside + 4 * share) / (seen + 4) / share)

    def rarity(self, found: str, own: bool) -> float:
        return -math.log((self.holding.get(found, 0) - own + 0.5) / (self.calls + 1))


@dataclass(frozen=True)
class ClauseSummarizer:
    """Our summarizer: what it has learned is plain numbers, so a call costs a few look-ups."""

    vocabulary: frozenset[str]
    lexicon: _Lexicon
    stem_weights: Mapping[str, float]
    weights: Sequence[float]
    intercept: float
    rivals: Mapping[str, Mapping[str, float]]
    settings: Mapping[str, float]
    run_weights: Mapping[str, float]

    def summarize(
        self,
        tokens: Tokens,
        sector: str | None,
        urgency: str | None,
        preferred_time: str | None,
        *,
        redactions: Sequence[Span] = (),
    ) -> Summary:
        """Say what is needed; see ``Summarizer``."""
        phrases = _phrases(tokens, unsafe_tokens(tokens, redactions, self.vocabulary))
        opening = _opening(sector)
        closing = _closing(tokens, preferred_time, redactions)
        values = self.values(tokens, phrases, sector)
        room = MAX_CHARACTERS - len(opening) - len(closing) - 1
        covered = [stem(word) for word in re.findall(r"[a-z]+", (opening + closing).lower())]
        quality = self.quality(tokens, phrases)
        if closing:
            quality = {
                run: share for run, share in quality.items() if not _only_time(phrases, *run)
            }
        room -= len(_DETAILS)
        packed = _pack(phrases, values, self.rivals, self.settings, room, covered, quality)
        if not packed:
            return Summary(_minimal(sector) + closing, ())
        main, rest = _parted(tokens, phrases, packed)
        details = _new_only(phrases, main, rest)
        text = _join(tokens, phrases, main)
        if details:
            listed = ", ".join(_item(phrases, first, last) for first, last in details)
            text = f"{text}.{_DETAILS}{listed}"
        text = f"{opening}{text if opening else text[0].upper() + text[1:]}.{closing}"
        evidence = tuple(
            sorted(
                tokens.span(phrases[first].first, phrases[last - 1].last)
                for first, last in (*main, *details)
            )
        )
        return Summary(text, evidence)

    def quality(self, tokens: Tokens, phrases: Sequence[_Phrase]) -> dict[tuple[int, int], float]:
        """Give, for each run of phrases, the share of it that belongs in a summary."""
        result = {}
        for first, last in _runs(phrases):
            score = 0.0
            for name in _run_features(tokens, phrases, first, last):
                score += self.run_weights.get(name, 0.0)
            result[first, last] = (1 / (1 + math.exp(-score))) ** self.settings["gamma"]
        return result

    def values(
        self, tokens: Tokens, phrases: Sequence[_Phrase], sector: str | None, own: bool = False
    ) -> dict[str, float]:
        """Give each stem's probability of belonging to what a good summary holds."""
        result = {}
        for found, row in _stem_features(tokens, phrases, sector, self.lexicon, own).items():
            score = self.intercept + self.stem_weights.get(found, 0.0)
            score += sum(map(float.__mul__, self.weights, row))
            result[found] = 1 / (1 + math.exp(-score))
        return result

    def save(
        self,
        folder: Path,
        *,
        training_data: Mapping[str, str],
        scores: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the model folder; ``training_data`` maps file to SHA-256."""
        import numpy as np

        info = ModelInfo(
            name=folder.name,
            features=list(_DENSE),
            operating_point=dict(self.settings),
            scores=dict(scores or {}),
            versions=versions(),
            training_data=dict(training_data),
            extra={
                "vocabulary": sorted(self.vocabulary),
                "calls": self.lexicon.calls,
                "holding": self.lexicon.holding,
                "sector_calls": self.lexicon.sector_calls,
                "sector_holding": self.lexicon.sector_holding,
                "stem_weights": self.stem_weights,
                "run_weights": self.run_weights,
                "rivals": self.rivals,
            },
        )
        learned = {"weights": np.array(self.weights), "intercept": np.array([self.intercept])}
        save_model(folder, learned, info, _CARD)

    @classmethod
    def load(cls, folder: Path) -> ClauseSummarizer:
        """Read a model folder.

        Raises:
            ModelError: It is missing, damaged, or not of this kind.
        """
        learned, info = load_model(folder)
        extra = info.extra
        try:
            lexicon = _Lexicon(
                extra["calls"], extra["holding"], extra["sector_calls"], extra["sector_holding"]
            )
            return cls(
                vocabulary=frozenset(extra["vocabulary"]),
                lexicon=lexicon,
                stem_weights=extra["stem_weights"],
                weights=learned["weights"].tolist(),
                intercept=float(learned["intercept"][0]),
                rivals=extra["rivals"],
                settings=info.operating_point,
                run_weights=extra["run_weights"],
            )
        except (KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"{folder} is no summarizer ({type(error).__name__})") from error


_CARD = """# Summary

Two logistic regressions: which word stems belong in a dispatcher's note (learned from the facts and
the reference summaries of the labelled calls), and which stretches of talk such notes take up. The
summary's words are the call's own; what was learned only chooses among them.

Kept out whatever the model says: redacted stretches, numbers of four digits and more, spelled
letters, e-mail and street addresses, names after a title, and every word that is not written
small in the training text. A name that is also a common word ("brown") stays out only where it is
redacted. English calls to home-services companies in the United States. Clauses are cut, so a
sentence may begin without its subject; what the caller only supposed is not told from what was
seen.
"""


def _only_time(phrases: Sequence[_Phrase], first: int, last: int) -> bool:
    return all(one in _TIME_STEMS for phrase in phrases[first:last] for one in phrase.stems)


def _opening(sector: str | None) -> str:
    return f"{_title(sector)}: " if sector else ""


def _title(sector: str) -> str:
    words = sector.replace("_", " and " if sector in _PAIRED_SECTORS else " ")
    return _CAPITALS.get(words) or words.capitalize()


def _minimal(sector: str | None) -> str:
    if sector is None:
        return "Caller did not say what is needed."
    return f"{_title(sector)}: no details given."


def _closing(tokens: Tokens, preferred_time: str | None, redactions: Sequence[Span]) -> str:
    """Say the wished time in a sentence of its own; nothing where it is long, none or redacted."""
    if preferred_time is None or len(preferred_time) > _LONGEST_TIME:
        return ""
    words = re.sub(r"[^\w:' ]+", " ", preferred_time).lower().split()
    marks = bytearray(len(tokens))
    _mark_spans(marks, tokens, redactions)
    free = {word for mark, word in zip(marks, tokens.lower, strict=True) if not mark}
    kept = {word for mark, word in zip(marks, tokens.lower, strict=True) if mark} - free
    if not words or not kept.isdisjoint(words) or _has_long_number(words):
        return ""
    return f" Time: {_written_time(preferred_time)}."


def _written_time(preferred_time: str) -> str:
    words = re.sub(r"[^\w:' ]+", " ", preferred_time).lower().split()
    words = [
        _HEARD_NUMBERS[word]
        if word in _HEARD_NUMBERS and _is_clock(words, index)
        else _meant(words, index)
        for index, word in enumerate(words)
    ]
    return " ".join(_CAPITALS.get(word) or _CONTRACTIONS.get(word) or word for word in words)


def _has_long_number(words: Sequence[str]) -> bool:
    """Say whether four digits and more stand in a row, which no time of a visit has."""
    marks = bytearray(len(words))
    _mark_numbers(marks, words, 0, len(words))
    run = digits = 0
    for mark, word in zip(marks, words, strict=True):
        run = run + 1 if mark else 0
        digits = digits + count_digits(word) if mark else 0
        if run > 3 or digits > 4:
            return True
    return False


def _pack(
    phrases: Sequence[_Phrase],
    values: Mapping[str, float],
    rivals: Mapping[str, Mapping[str, float]],
    settings: Mapping[str, float],
    room: int,
    covered: Iterable[str],
    quality: Mapping[tuple[int, int], float],
) -> list[tuple[float, int, int]]:
    """Choose stretches of phrases by what they add for their length until the room is used.

    Returns:
        (gain, first phrase, phrase after the last) for each stretch, in the order of choice.
    """
    floor, fixed, said = settings["floor"], settings["fixed"], settings["said"]
    worth = {found: value - floor for found, value in values.items() if value > floor}

    def cover(found: str) -> None:
        worth.pop(found, None)
        for rival, share in rivals.get(found, {}).items():
            if rival in worth:
                worth[rival] *= 1 - share

    for found in covered:
        cover(found)
    stretches: list[_Stretch] = []
    for (first, last), share in quality.items():
        stems = tuple(dict.fromkeys(one for phrase in phrases[first:last] for one in phrase.stems))
        gain = sum([worth.get(one, said) for one in stems]) * share
        if gain >= settings["relaxed"]:
            length = 1 + sum([len(phrase.joined) + 1 for phrase in phrases[first:last]])
            stretches.append((gain / (length + fixed), first, last, length, stems, share))
    stretches.sort(key=_bound, reverse=True)
    taken = bytearray(len(phrases))
    chosen: list[tuple[float, int, int]] = []
    for least, single in ((settings["least"], settings["single"]), (settings["relaxed"], 1.0)):
        while True:
            best, best_score = None, 0.0
            kept = []
            for stretch in stretches:
                bound, first, last, length, stems, share = stretch
                if bound <= best_score:
                    kept.append(stretch)
                    continue
                if length > room or any(taken[first:last]):
                    continue
                gain = sum([worth.get(one, said) for one in stems]) * share
                score = gain / (length + fixed)
                kept.append((score, *stretch[1:]))
                if score > best_score and gain >= (single if len(stems) == 1 else least):
                    best, best_score = stretch, score
            if best is None:
                break
            stretches = sorted(kept, key=_bound, reverse=True)
            _, first, last, length, stems, _ = best
            taken[first:last] = b"\1" * (last - first)
            chosen.append((best_score * (length + fixed), first, last))
            room -= length
            for found in stems:
                cover(found)
    return chosen


_Stretch = tuple[float, int, int, int, tuple[str, ...], float]


def _bound(stretch: _Stretch) -> float:
    return stretch[0]


def _runs(phrases: Sequence[_Phrase]) -> Iterable[tuple[int, int]]:
    """Yield runs ``[first, last)`` of phrases that can stand alone: no loose "in the …"."""
    for first, phrase in enumerate(phrases):
        inside = first > 0 and phrases[first - 1].segment == phrase.segment
        if inside and phrase.link in _PREPOSITIONS:
            continue
        for last in range(first + 1, min(first + _LONGEST, len(phrases)) + 1):
            if phrases[last - 1].segment != phrase.segment:
                break
            yield first, last


def _run_features(tokens: Tokens, phrases: Sequence[_Phrase], first: int, last: int) -> list[str]:
    """Name what a run begins and ends with, who says it and whether it is a whole segment."""
    start, end = phrases[first], phrases[last - 1]
    agent = tokens.transcript.turns[tokens.turn[start.first]].speaker is Speaker.AGENT
    opens = first == 0 or phrases[first - 1].segment != start.segment
    closes = last == len(phrases) or phrases[last].segment != start.segment
    length = end.last - start.first
    content = sum(len(phrase.stems) for phrase in phrases[first:last])
    return [
        "bias",
        f"first={start.alone.partition(' ')[0]}",
        f"last={tokens.lower[end.last - 1]}",
        f"lead={start.lead if opens else '-'}",
        f"link={start.link}",
        f"agent={agent}",
        f"agent={agent} lead={start.lead if opens else '-'}",
        f"whole={opens}{closes}",
        f"content={min(content, 5)}",
        f"words={min(length, 9)}",
        f"agent={agent} content={min(content, 3)}",
        f"late={tokens.turn[start.first] * 5 // (len(tokens.bounds) + 1)}",
    ]


_DETAILS = " Also: "
_LEAST_CLAUSE = 26
_MOST_CLAUSES = 3


def _parted(
    tokens: Tokens, phrases: Sequence[_Phrase], packed: Sequence[tuple[float, int, int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Part what was chosen into clauses, which carry the first sentence, and things to list.

    The turn of the richest clause comes first, the others as they were said.
    """
    joined: list[tuple[float, int, int]] = []
    for gain, first, last in sorted(packed, key=lambda run: run[1]):
        if joined:
            gain_before, first_before, before = joined[-1]
            if before == first and phrases[before - 1].segment == phrases[first].segment:
                joined[-1] = (gain_before + gain, first_before, last)
                continue
        joined.append((gain, first, last))
    clauses = sorted((run for run in joined if _is_clause(phrases, run[1], run[2])), reverse=True)
    main = clauses[:_MOST_CLAUSES] or [max(joined)]
    richest = tokens.turn[phrases[main[0][1]].first]
    return (
        sorted(
            ((first, last) for _, first, last in main),
            key=lambda run: (
                not phrases[run[0]].alone.startswith(("needs ", "wants ")),
                tokens.turn[phrases[run[0]].first] != richest,
                run,
            ),
        ),
        [(first, last) for gain, first, last in joined if (gain, first, last) not in main],
    )


def _new_only(
    phrases: Sequence[_Phrase], main: Sequence[tuple[int, int]], rest: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Leave out what the clauses and the list have said already."""
    told = {one for first, last in main for phrase in phrases[first:last] for one in phrase.stems}
    kept = []
    for first, last in rest:
        stems = {one for phrase in phrases[first:last] for one in phrase.stems}
        if stems - told:
            kept.append((first, last))
            told |= stems
    return kept


def _is_clause(phrases: Sequence[_Phrase], first: int, last: int) -> bool:
    """Say whether a stretch can stand as a clause: long enough, and no loose "in the attic"."""
    start = phrases[first]
    length = sum(len(phrase.joined) + 1 for phrase in phrases[first:last])
    return start.link not in _PREPOSITIONS and length >= _LEAST_CLAUSE


def _item(phrases: Sequence[_Phrase], first: int, last: int) -> str:
    """Write a stretch as one thing of a list: "about the basement toilet" → "basement toilet"."""
    words = " ".join(
        [phrases[first].alone, *(phrase.joined for phrase in phrases[first + 1 : last])]
    )
    if phrases[first].link in _VAGUE_LINKS:
        words = words.partition(" ")[2].removeprefix("the ")
    return words


_VAGUE_LINKS = _words("about for at with by on")


def _join(tokens: Tokens, phrases: Sequence[_Phrase], chosen: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    before = (-1, -1)
    for first, last in chosen:
        text = " ".join(
            [phrases[first].alone, *(phrase.joined for phrase in phrases[first + 1 : last])]
        )
        start = phrases[first]
        if parts and before[1] == first and phrases[first - 1].segment == start.segment:
            parts[-1] += " " + start.joined + text[len(start.alone) :]
        elif parts and tokens.turn[phrases[before[0]].first] == tokens.turn[start.first]:
            parts[-1] += ", " + text
        else:
            parts.append(text)
        before = (first, last)
    return "; ".join(parts)


_SETTINGS = {
    "floor": 0.08, "gamma": 1.0, "fixed": 60.0, "least": 0.03, "single": 0.2, "relaxed": 0.02,
    "said": -0.01,
}  # fmt: skip
_SUMMARY_WEIGHT = 0.4


def train_summarizer(
    calls: Sequence[GoldCall],
    *,
    sentences: Iterable[str] = (),
    settings: Mapping[str, float] | None = None,
) -> ClauseSummarizer:
    """Learn which words belong in a summary from the facts and reference summaries of calls.

    Args:
        calls: Labelled calls; those without work only lend their vocabulary.
        sentences: Further text without names, whose words may appear in summaries.
        settings: How phrases are packed, where it shall differ from the shipped way.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    jobs = [call for call in calls if call.is_job]
    everything = [tokenize(call.transcript) for call in jobs]
    vocabulary = _learn_vocabulary(calls, sentences)
    phrases = [_phrases(tokens, unsafe_tokens(tokens, (), vocabulary)) for tokens in everything]
    lexicon = _count(jobs, phrases)
    rows: list[list[float]] = []
    labels: list[int] = []
    importance: list[float] = []
    columns: list[int] = []
    column_of: dict[str, int] = {}
    for call, tokens, found in zip(jobs, everything, phrases, strict=True):
        in_facts = set().union(*_fact_stems(call))
        in_summary = set(map(stem, _WORD.findall(call.gold["summary"].lower())))
        for one, row in _stem_features(tokens, found, call.gold["sector"], lexicon, True).items():
            rows.append(row)
            columns.append(column_of.setdefault(one, len(column_of)))
            labels.append(int(one in in_facts or one in in_summary))
            only_summary = one in in_summary and one not in in_facts
            importance.append(_SUMMARY_WEIGHT if only_summary else 1.0)
    one_hot = csr_matrix(
        (np.ones(len(rows)), (np.arange(len(rows)), columns)), shape=(len(rows), len(column_of))
    )
    model = LogisticRegression(C=1.0, max_iter=300)
    model.fit(hstack([csr_matrix(np.array(rows)), one_hot]).tocsr(), labels, importance)
    dense, words = np.split(model.coef_[0], [len(_DENSE)])
    return ClauseSummarizer(
        vocabulary=vocabulary,
        lexicon=lexicon,
        stem_weights={
            one: round(float(words[column]), 4)
            for one, column in column_of.items()
            if lexicon.holding[one] > 1
        },
        weights=dense.tolist(),
        intercept=float(model.intercept_[0]),
        rivals=_rivals(jobs, phrases),
        settings=dict(_SETTINGS if settings is None else settings),
        run_weights=_train_runs(jobs, everything, phrases),
    )


_WORD = re.compile(r"[a-z']+")


def _fact_stems(call: GoldCall) -> list[set[str]]:
    return [
        {
            stem(word)
            for alternative in fact
            for word in alternative.lower().split()
            if word not in _FUNCTION
        }
        for fact in call.gold["summary_facts"]
    ]


def _count(jobs: Sequence[GoldCall], phrases: Sequence[Sequence[_Phrase]]) -> _Lexicon:
    holding: Counter[str] = Counter()
    sector_calls: Counter[str] = Counter()
    sector_holding: dict[str, Counter[str]] = defaultdict(Counter)
    for call, found in zip(jobs, phrases, strict=True):
        stems = {one for phrase in found for one in phrase.stems}
        holding.update(stems)
        sector_calls[call.gold["sector"]] += 1
        sector_holding[call.gold["sector"]].update(stems)
    return _Lexicon(len(jobs), holding, sector_calls, sector_holding)


def _rivals(
    jobs: Sequence[GoldCall], phrases: Sequence[Sequence[_Phrase]]
) -> dict[str, dict[str, float]]:
    """Learn which stems tell one fact: how much of one's worth is gone once the other is said."""
    together: dict[str, Counter[str]] = defaultdict(Counter)
    counts: Counter[str] = Counter()
    for call, found in zip(jobs, phrases, strict=True):
        present = {one for phrase in found for one in phrase.stems}
        for fact in _fact_stems(call):
            counts.update(fact & present)
            for one in fact & present:
                together[one].update((fact & present) - {one})
    return {
        one: {other: round(count / (counts[one] + 0.5), 3) for other, count in others.items()}
        for one, others in together.items()
    }


def _train_runs(
    jobs: Sequence[GoldCall], everything: Sequence[Tokens], phrases: Sequence[list[_Phrase]]
) -> dict[str, float]:
    """Learn what runs look like whose words the reference summaries take up."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    rows, labels, importance = [], [], []
    for call, tokens, found in zip(jobs, everything, phrases, strict=True):
        wanted = set(map(stem, _WORD.findall(call.gold["summary"].lower())))
        wanted.update(*_fact_stems(call))
        for first, last in _runs(found):
            stems = {one for phrase in found[first:last] for one in phrase.stems}
            share = len(stems & wanted) / len(stems)
            features = dict.fromkeys(_run_features(tokens, found, first, last), 1.0)
            for label, weight in ((1, share), (0, 1 - share)):
                if weight:
                    rows.append(features)
                    labels.append(label)
                    importance.append(weight)
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform(rows)
    model = LogisticRegression(C=0.3, max_iter=200, fit_intercept=False).fit(
        matrix, labels, sample_weight=importance
    )
    return {
        name: round(float(weight), 4)
        for name, weight in zip(vectorizer.get_feature_names_out(), model.coef_[0], strict=True)
        if abs(weight) > 0.02
    }


def _learn_vocabulary(calls: Sequence[GoldCall], extra: Iterable[str]) -> frozenset[str]:
    """Collect words that are written small in cased calls, summaries and sentences.

    A name is written small only in calls without any capitals, and those are not asked.
    """
    small: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for call in calls:
        text = call.transcript.text
        if sum(map(str.isupper, text)) > len(text) / 200:
            plain = " ".join(
                turn.text
                for turn in call.transcript.turns
                if _MAIL.isdisjoint(turn.text.lower().split()) and "@" not in turn.text
            )
            small.update(set(_SMALL.findall(plain)))
            capital.update({word.lower() for word in _CAPITAL_INSIDE.findall(text)})
        small.update(set(_SMALL.findall(call.gold.get("summary") or "")))
    for text in extra:
        small.update(set(_SMALL.findall(text)))
    words = {word for word, count in small.items() if count > 2 * capital[word]}
    # a negation that is dropped as a strange word would turn what was said into its opposite
    kept = _FUNCTION | _NEGATIVE | frozenset(_CAPITALS) | frozenset(_CONTRACTIONS)
    return frozenset(words) | frozenset(map(stem, words)) | kept | frozenset(_CONTRACTIONS.values())


_SMALL = re.compile(r"(?<![A-Za-z'@.])[a-z](?:[a-z']*[a-z])?(?![@.]?\w)")
_CAPITAL_INSIDE = re.compile(r"(?<=[a-z,] )[A-Z][a-z']+")
