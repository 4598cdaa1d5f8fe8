"""E-mail addresses, written, said or spelled: ``find_emails()``, ``read_emails()``.

An address is read outwards from its "at": the domain to the right, the local part to the left,
over turns where the other side only says "mm hm". Where the local part begins is seldom audible
("its my email its jan dot levy at …"), so every beginning becomes a candidate of its own, and
features say how it was heard. What was spelled elsewhere in the call, or corrected in a
read-back, gives further candidates by replacing the like-sounding stretch of one that was heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from tradecall.candidates.candidate import Candidate, JobField
from tradecall.lexicons import read_rows, read_words
from tradecall.spoken_letters import LetterRun
from tradecall.spoken_numbers import NumberRun
from tradecall.tokens import Tokens
from tradecall.transcript import Span, Speaker

FEATURE_NAMES = (
    "caller_mentions",
    "agent_mentions",
    "mention_share",
    "last_mention",
    "begins_after_cue",
    "begins_turn_or_sentence",
    "left_word_common",
    "left_word_cue",
    "left_symbol",
    "left_letters",
    "left_and",
    "first_letter",
    "first_number",
    "first_the",
    "left_the",
    "longest_without_common",
    "share_of_longest",
    "common_words",
    "first_word_common",
    "last_word_common",
    "pieces",
    "words",
    "length",
    "spelled_share",
    "has_number",
    "has_separator",
    "crosses_turns",
    "written",
    "asked_before",
    "email_word_before",
    "confirmed_after",
    "denied_after",
    "provider",
    "default_domain",
    "domain_said",
    "without_at",
    "company_domain",
    "respelled",
    "respelling_likeness",
    "reading",
    "ends_early",
    "spelled_in_call",
    "spelled_by_caller",
    "unlike_spelling",
    "name_share",
    "name_begins",
    "filled_name",
    "said_by_agent_only",
    "position",
    "rivals",
)

_SYMBOLS = {
    "dot": ".",
    "period": ".",
    "punto": ".",
    "point": ".",
    "underscore": "_",
    "underline": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "guion": "-",
    "plus": "+",
}
_AT = frozenset({"at", "@", "arroba"})
_SENTENCE_ENDS = frozenset({".", "?", "!", ";", ":", "…", "...", "¿", "¡"})
_IN_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._+")
_LOCAL_MARKS = frozenset(".-_+'")
# Endings of countries, but for those that are likelier a word after an unfinished "dot".
_COUNTRIES = frozenset(
    (
        "ae ag ai ar au be bg br by ca cc ch cl cn co cr cu cz de dk do ee es eu fi fm fr ge gg gr "
        "hk hn hr hu id ie il in io is it jm jp ke kr la li lt lu lv ly ma md me mx my ng ni nl nu "
        "nz pa pe ph pk pl pr pt py ro rs ru sa se sg si sk sm sv th tr tv tw ua ug uk us uy ve vi "
        "vn za"
    ).split()
)
_SELDOM_ENDINGS = frozenset("is it in my no be".split())
_TLDS = {
    word: word
    for word in (*"com net org edu gov mil info biz church farm shop".split(), *_COUNTRIES)
} | {"calm": "com", "kom": "com", "con": "com", "comm": "com", "knit": "net", "ned": "net"}

# Nothing of an address lies to the left of these.
_STOPS = frozenset(
    (
        "is its it's email emails e-mail mail address my mine use yes yeah yep yup okay ok sure "
        "got have was that's thats you we i'm im what's whats send put do does did correo es be "
        "would will can i'll ill says say said read reads hers says uses use oh uh-huh where "
        "about what which or if they them are were your our for to of on with this no not never "
        "everybody nobody somebody sorry name"
    ).split()
)
_BOUNDARY_CUES = frozenset(
    (
        "is its it's email e-mail mail address that's thats correo es use be got as same have "
        "says so was did to 's"
    ).split()
)
# Names of mail services that are seldom anything else, and need no "at" before them.
_UNMISTAKABLE = frozenset("gmail yahoo hotmail icloud aol msn comcast protonmail sbcglobal".split())
# "pick me up at me" is no address: these need an ending, or talk of e-mail.
_AMBIGUOUS = frozenset("me mac live mail hey proton cox charter spectrum frontier duck".split())
_ANSWERS = frozenset("yes yeah yep yup okay ok sure oh".split())
_HOMOPHONES = {"to": "2", "too": "2", "for": "4", "won": "1", "ate": "8"}
_MAX_PIECES = 12
_LOOK_AHEAD = 60  # pieces of a later turn in which the end of a domain is looked for
_MAX_SPELLED = 200  # spellings of a call that are compared with its addresses
_YES = frozenset("yes yeah yep yup correct right perfect exactly mm-hm si sí that's thats".split())
_NO = frozenset(["no", "nope", "not", "wait", "actually"])


@dataclass(frozen=True, slots=True)
class _Piece:
    """A few tokens of a turn and what they would write in an address.

    ``kind`` is one of word, letters, number, symbol, skip, stop, at, domain (a token such as
    "aol.com") and address (a token such as "jo@example.com").
    """

    kind: str
    text: str
    first: int
    last: int
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Domain:
    text: str
    last: int
    provider: bool
    said: bool


@dataclass(frozen=True, slots=True)
class EmailReading:
    """An address said within one turn, read without regard to the rest of the call.

    Attributes:
        first: Its first token, by the likeliest reading.
        at: The token that parts local part and domain; the domain's first where no "at" is said.
        last: The token after its last.
        local: Likeliest local part.
        domain: Its domain.
        others: Other local parts that the same words or the last of them may be, each with its
            first token, likeliest first.
    """

    first: int
    at: int
    last: int
    local: str
    domain: str
    others: tuple[tuple[int, str], ...]


@dataclass(slots=True)
class _Mention:
    """One place where an address was said: where, by whom, and the local parts it may be."""

    turn: int
    first: int
    at: int
    last: int
    speaker: Speaker
    domain: _Domain
    locals: dict[str, dict[str, float]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    without_at: bool = False


@dataclass(slots=True)
class _Heard:
    """Everything gathered about one value."""

    features: dict[str, float]
    spans: list[tuple[int, int]]
    mentions: list[_Mention]


def find_emails(
    tokens: Tokens,
    numbers: Sequence[NumberRun],
    letters: Sequence[LetterRun],
    first_names: Sequence[str] = (),
    last_names: Sequence[str] = (),
) -> list[Candidate]:
    """Find e-mail addresses, each with features for the ranker.

    Args:
        tokens: The call.
        numbers: Its number runs.
        letters: Its spelled letters.
        first_names: First names the homeowner may have, likeliest first; they help to find where
            a local part begins and fill "my first name dot last name".
        last_names: Likewise last names.

    Returns:
        Candidates in the order in which they were first said; the values are valid addresses in
        lower case.
    """
    anchored = _anchor_turns(tokens)
    if not anchored:
        return []
    reader = _Reader(tokens, numbers, letters, first_names, last_names)
    mentions = [mention for turn in anchored for mention in reader.mentions(turn)]
    if not mentions:
        return []
    return _Gatherer(reader, mentions).candidates()


def read_emails(
    tokens: Tokens, numbers: Sequence[NumberRun], letters: Sequence[LetterRun]
) -> list[EmailReading]:
    """Read what is said of addresses in single turns, in call order.

    Which beginning is meant is guessed from the words alone; ``find_emails`` offers them all.
    """
    reader = _Reader(tokens, numbers, letters, (), ())
    found: list[EmailReading] = []
    for turn in _anchor_turns(tokens):
        free = tokens.bounds[turn][0]
        for mention in reader.mentions(turn):
            ranked = sorted(
                (_unlikeliness(mention.locals[local]), -len(local), local)
                for local, start in mention.starts.items()
                if start >= free and _is_valid(f"{local}@{mention.domain.text}")
            )
            if not ranked or (mention.without_at and not mention.domain.said):
                continue
            (first, best), *others = ((mention.starts[local], local) for _, _, local in ranked)
            within = tuple(other for other in others if other[0] >= first)
            domain = mention.domain.text
            found.append(EmailReading(first, mention.at, mention.last, best, domain, within))
            free = mention.last
    return found


def _unlikeliness(row: Mapping[str, float]) -> tuple[float, ...]:
    """Order the beginnings of a local part: after a cue, before what is said of its writing."""
    common = row.get("common_words", 0.0)
    the_only = row.get("first_the", 0.0) == common == 1.0  # "the does" is a family's address
    common -= the_only
    return (
        row.get("ends_early", 0.0),
        row.get("reading", 0.0),
        row.get("first_number", 0.0),
        common * (1 - row["begins_after_cue"]),
        1 - max(row["longest_without_common"], float(the_only)),
    )


def _anchor_turns(tokens: Tokens) -> list[int]:
    """List the turns that may hold the end of an address."""
    found = []
    for turn, (first, last) in enumerate(tokens.bounds):
        for token in range(first, last):
            word = tokens.lower[token]
            if word in _AT or word in _UNMISTAKABLE or "@" in word:
                found.append(turn)
                break
    return found


class _Reader:
    """Cuts turns into pieces and reads addresses off them."""

    def __init__(
        self,
        tokens: Tokens,
        numbers: Sequence[NumberRun],
        letters: Sequence[LetterRun],
        first_names: Sequence[str],
        last_names: Sequence[str],
    ) -> None:
        self.tokens = tokens
        self.letters = {run.first: run for run in letters}
        self.numbers = {run.first: (run.last, run.readings) for run in numbers}
        inside = {token: run.last for run in letters for token in range(run.first + 1, run.last)}
        for run in numbers:
            if tokens.lower[run.first] in ("a", "to", "for") and run.last - run.first > 1:
                # "then a four": the article went with "then".
                self.numbers.setdefault(run.first + 1, (run.last, run.readings))
            if tokens.lower[run.first] == "a" and self._begins(run.first):
                # "a five k runner at …": where an address begins, the a is a letter of it.
                del self.numbers[run.first]
            # "… e r o eighty eight": the o was spelled, what is left of the run is the number.
            spelled = inside.get(run.first)
            if spelled is not None and spelled < run.last:
                left = tuple(reading.lstrip("0") for reading in run.readings)
                self.numbers[spelled] = (run.last, tuple(dict.fromkeys(filter(None, left))))
        self.spelled = [
            ("".join(filter(str.isalnum, run.text)), tokens.transcript.turns[run.turn].speaker)
            for run in letters
            if run.letters >= 3
        ][:_MAX_SPELLED]
        self.first_names = [plain for name in first_names if len(plain := _plain(name)) > 1]
        self.last_names = [plain for name in last_names if len(plain := _plain(name)) > 1]
        self._pieces: dict[int, list[_Piece]] = {}
        self._of_email: dict[int, bool] = {}

    def pieces(self, turn: int) -> list[_Piece]:
        """Give one turn's pieces, cut once."""
        known = self._pieces.get(turn)
        if known is None:
            known = self._pieces[turn] = list(self._cut(turn))
        return known

    def speaks_of_email(self, turn: int) -> bool:
        """Tell whether a turn holds the word e-mail."""
        known = self._of_email.get(turn)
        if known is None:
            known = self._of_email[turn] = _speaks_of_email(self.tokens.words(turn))
        return known

    def _begins(self, token: int) -> bool:
        """Tell whether a turn or what a cue word leads to begins at a token."""
        first, last = self.tokens.bounds[self.tokens.turn[token]]
        if token > first:
            return self.tokens.lower[token - 1] in _BOUNDARY_CUES
        return bool(_AT.intersection(self.tokens.lower[token:last]))

    def _cut(self, turn: int) -> Iterator[_Piece]:
        lower = self.tokens.lower
        at, end = self.tokens.bounds[turn]
        while at < end:
            piece = self._piece_at(at, end, lower)
            yield piece
            at = piece.last

    def _piece_at(self, at: int, end: int, lower: list[str]) -> _Piece:
        word = lower[at]
        if "@" in word and len(word) > 3:
            return _Piece("address", word, at, at + 1)
        if word in _AT and not self._is_provider_at(lower, at, end):
            return _Piece("at", "", at, at + 1)
        named = self._named_part(lower, at)
        if named is not None:
            return named
        service = _service_at(lower, at, end)
        if service is not None:
            return _Piece("word", service[0], at, at + service[1])
        lead = self._spelling_follows(lower, at)
        if lead:
            return _Piece("skip", "", at, at + lead)
        letter = self._letter_on_the_end(lower, at, end)
        if letter is not None:
            return letter
        phrase = _phrase_at(lower, at, end)
        if phrase:
            return _Piece("skip", " ".join(lower[at : at + phrase]), at, at + phrase)
        run = self.letters.get(at)
        number = self.numbers.get(at)
        if run is not None and (number is None or run.last > number[0]):
            text = run.text.replace(" ", "")
            return _Piece("letters", text, at, run.last)
        if word in _HOMOPHONES and lower[at - 1] in ("number", "figure", "numeral"):
            return _Piece("number", _HOMOPHONES[word], at, at + 1)
        if number is not None:
            last, readings = number
            # A phone or card number before an address is no part of it.
            kind = "number" if readings and len(readings[0]) <= 6 else "stop"
            return _Piece(kind, readings[0] if readings else "", at, last, readings[1:3])
        if word == "under" and at + 1 < end and lower[at + 1] == "score":
            return _Piece("symbol", "_", at, at + 2)
        if self._is_article(lower, at, end):
            return _Piece("skip", "", at, at + 1)
        if word in _SYMBOLS:
            return _Piece("symbol", _SYMBOLS[word], at, at + 1)
        if word in _SENTENCE_ENDS:
            return _Piece("stop", "", at, at + 1)
        if word in ("'s", "'d", "'ll", "'re", "'ve"):
            return _Piece("stop", word, at, at + 1)
        if word == "_" or (word == "-" and self._is_written_hyphen(at, end)):
            return _Piece("symbol", word, at, at + 1)
        if word in ("e", "e-") and lower[at + 1 : at + 3] == ["-", "mail"]:
            return _Piece("stop", "email", at, at + 3)
        if word == "e" and lower[at + 1 : at + 2] == ["mail"]:
            return _Piece("stop", "email", at, at + 2)
        stem, dot, ending = word.rpartition(".")
        if dot and stem and ending in _TLDS:
            return _Piece("domain", word, at, at + 1)
        # "jo.smith85 at …" keeps its marks; "k." and "o'neil" lose theirs.
        plain = "".join(filter(_IN_LOCAL.__contains__, word.strip(".-_"))) or _plain(word)
        plain = plain if word.isascii() else _plain(word)
        if not plain:
            return _Piece("skip", "", at, at + 1)
        if word in _STOPS:
            opens = word in _ANSWERS and at == self.tokens.bounds[self.tokens.turn[at]][0]
            return _Piece("skip" if opens else "stop", word, at, at + 1)
        return _Piece("word", plain, at, at + 1)

    def _spelling_follows(self, lower: list[str], at: int) -> int:
        """Give how many tokens of "that's", "spelled" at ``at`` lead over to spelled letters."""
        if lower[at] not in ("that", "that's", "thats", "spelled", "which", "so", "as", "like"):
            return 0
        for size in (1, 2):
            run = self.letters.get(at + size)
            if run is not None and run.letters >= 3:
                return size if size == 1 or lower[at + 1] in ("'s", "is", "in") else 0
        return 0

    @staticmethod
    def _is_article(lower: list[str], at: int, end: int) -> bool:
        """Tell the article of "then a dash" from the letter of "a dot smith"."""
        if lower[at] not in ("a", "the") or at + 1 >= end or lower[at + 1] not in _SYMBOLS:
            return False
        return lower[at - 1] in ("then", "and", ",", "with", "by")

    def _is_written_hyphen(self, at: int, end: int) -> bool:
        """Tell the hyphen of "april-may" from one that joins letters or stands alone."""
        tokens = self.tokens
        if at == 0 or at + 1 >= end:
            return False
        joined = tokens.end[at - 1] == tokens.start[at] and tokens.end[at] == tokens.start[at + 1]
        return joined and len(tokens.lower[at - 1]) > 1 and len(tokens.lower[at + 1]) > 1

    def _named_part(self, lower: list[str], at: int) -> _Piece | None:
        """Fill "first name", "last initial" and the like from the names of the call."""
        if lower[at] not in ("first", "last") or at + 1 >= len(lower):
            return None
        names = self.first_names if lower[at] == "first" else self.last_names
        if not names or lower[at + 1] not in ("name", "initial"):
            return None
        text = names[0] if lower[at + 1] == "name" else names[0][0]
        return _Piece("name", text, at, at + 2)

    @staticmethod
    def _letter_on_the_end(lower: list[str], at: int, end: int) -> _Piece | None:
        """Read "with an s on the end": a letter, unless the word before it already has it."""
        if lower[at] not in ("with", "and") or at == 0:
            return None
        letter = at + 1
        while letter < min(at + 4, end) and lower[letter + 1 : letter + 2] not in (["on"], ["at"]):
            if lower[letter] not in ("a", "an", "the", "one", "more", "another", "extra", "then"):
                break
            letter += 1
        if letter >= end:
            return None
        last = letter + 1
        if last < end and lower[last] == "'s":
            last += 1
        if lower[last : last + 3] not in (["on", "the", "end"], ["at", "the", "end"]):
            # "kathy with a k at …" tells how it is written, and adds nothing.
            with_letter = lower[at] == "with" and lower[letter] in lower[at - 1]
            with_letter = with_letter and len(lower[letter]) == 1 and lower[at + 1] in ("a", "an")
            return _Piece("skip", "", at, letter + 1) if with_letter else None
        if last + 3 > end or len(lower[letter]) != 1:
            return None
        if lower[at - 1].endswith(lower[letter]) or lower[at] == "with":
            return _Piece("skip", "", at, last + 3)
        return _Piece("letters", lower[letter], at, last + 3)

    @staticmethod
    def _is_provider_at(lower: list[str], at: int, end: int) -> bool:
        """Tell the "at" of "at and t" from the sign."""
        return tuple(lower[at + 1 : at + 3]) in (("and", "t"), ("&", "t")) and at + 2 < end

    def mentions(self, turn: int) -> Iterator[_Mention]:
        """Read the addresses that end in one turn."""
        pieces = self.pieces(turn)
        speaker = self.tokens.transcript.turns[turn].speaker
        taken = -1
        for index, piece in enumerate(pieces):
            if index <= taken:
                continue
            if piece.kind == "address":
                local, _, domain_text = piece.text.rpartition("@")
                name = domain_text.partition(".")[0]
                domain = _Domain(domain_text, piece.last, name in _providers(), True)
                mention = _Mention(turn, piece.first, piece.first, piece.last, speaker, domain)
                mention.locals[local] = {
                    "written": 1.0,
                    "begins_after_cue": 1.0,
                    "longest_without_common": 1.0,
                    "share_of_longest": 1.0,
                    "pieces": 1.0,
                    "has_number": float(any(map(str.isdigit, local))),
                    "has_separator": float(not _LOCAL_MARKS.isdisjoint(local)),
                }
                mention.starts[local] = piece.first
                yield mention
                continue
            if piece.kind == "at":
                read = self._domain(pieces, index + 1)
                left_end = index
            elif (piece.text in _UNMISTAKABLE and piece.kind in ("word", "letters", "domain")) or (
                piece.kind == "domain" and piece.text.partition(".")[0] in _providers()
            ):
                read = self._domain(pieces, index)
                left_end = index
            else:
                continue
            if read is None:
                continue
            domain, taken = read
            if domain.text.partition(".")[0] in _AMBIGUOUS and not domain.said:
                near = range(max(0, turn - 1), turn + 1)
                if not any(self.speaks_of_email(other) for other in near):
                    continue
            mention = _Mention(turn, piece.first, piece.first, domain.last, speaker, domain)
            mention.without_at = piece.kind != "at"
            self._read_locals(mention, pieces, left_end)
            if mention.locals:
                yield mention

    def _domain(self, pieces: list[_Piece], start: int) -> tuple[_Domain, int] | None:
        """Read a domain from ``pieces[start]`` on; gives it with the index of its last piece."""
        while start < len(pieces) and pieces[start].kind == "skip":
            start += 1
        if start < len(pieces) and pieces[start].kind == "domain":
            text = pieces[start].text
            last = pieces[start].last
            name = text.partition(".")[0]
            return _Domain(text, last, name in _providers(), True), start
        parts: list[_Piece] = []
        places: list[int] = []
        index = start
        while index < len(pieces) and len(parts) < 9:
            piece = pieces[index]
            if piece.kind == "skip":
                index += 1
                continue
            if piece.kind == "symbol" and piece.text == ".":
                ending = self._ending(pieces, index + 1)
                if ending and ending[0] in _SELDOM_ENDINGS and len(parts) > 1:
                    ending = None  # "at gmail all lower case the dot is …"
                if ending is not None and parts:
                    text, last_index, last = ending
                    name = _joined(parts)
                    domain = _mended_domain(name, text)
                    known = domain.partition(".")[0] in _providers() or domain in _known_domains()
                    return _Domain(domain, last, known, True), last_index
                if parts and index + 1 == len(pieces):
                    ending_text = self._ending_after(parts[0].first)
                    if ending_text is not None:
                        name = _joined(parts)
                        domain = _mended_domain(name, ending_text)
                        return _Domain(domain, piece.last, domain in _known_domains(), True), index
                parts.append(piece)
                places.append(index)
            elif piece.kind == "domain" and parts:
                text = _joined(parts) + piece.text
                return _Domain(text, piece.last, False, True), index
            elif piece.kind in ("word", "letters", "symbol", "number") or piece.text == "mail":
                parts.append(piece)
                places.append(index)
            else:
                break
            index += 1
        # No ending said: a service that needs none.
        for count in range(min(len(parts), 4), 0, -1):
            domain_text = _provider_of(_joined(parts[:count]))
            if domain_text:
                end = parts[count - 1].last
                return _Domain(domain_text, end, True, False), places[count - 1]
        return self._later_domain(parts, places)

    def _ending_after(self, token: int) -> str | None:
        """Read the ending that follows in the next turns, where a turn ends in "dot"."""
        turn = self.tokens.turn[token]
        found: str | None = None
        for later in range(turn + 1, min(turn + 3, len(self.tokens.bounds))):
            pieces = self.pieces(later)[:4]
            for index, piece in enumerate(pieces):
                read = self._ending(pieces, index) if piece.kind != "symbol" else None
                if read is not None:
                    found = read[0]
                    break
        return found

    def _later_domain(self, parts: list[_Piece], places: list[int]) -> tuple[_Domain, int] | None:
        """Complete "at lone star realty" by the "… dot com" that follows in a later turn."""
        if not parts or parts[0].kind not in ("word", "letters"):
            return None
        turn = self.tokens.turn[parts[0].first]
        heard = _joined(parts)
        for later in range(turn + 1, min(turn + 6, len(self.tokens.bounds))):
            pieces = self.pieces(later)
            for index, piece in enumerate(pieces[:_LOOK_AHEAD]):
                if piece.kind == "domain":
                    name, ending = piece.text.split(".", 1)
                elif piece.kind == "symbol" and piece.text == ".":
                    read = self._ending(pieces, index + 1)
                    if read is None:
                        continue
                    ending = read[0]
                    before = [p for p in pieces[max(0, index - 4) : index] if p.kind != "skip"]
                    name = ""
                    for begin in range(len(before)):
                        whole = _joined(before[begin:])
                        if whole and heard.startswith(whole[:2]):
                            name = whole
                            break
                else:
                    continue
                size = max(len(name), 1)
                for count in range(1, len(parts) + 1):
                    prefix = _joined(parts[:count])
                    cut = name.startswith(prefix) and len(prefix) > 1 and count == len(parts)
                    if cut or Levenshtein.distance(prefix, name) <= size // 5:
                        domain = _mended_domain(name, ending)
                        end = parts[count - 1].last
                        return _Domain(domain, end, False, True), places[count - 1]
        return None

    def _ending(self, pieces: list[_Piece], start: int) -> tuple[str, int, int] | None:
        """Read "com", "c o", "r r dot com" after a dot: (text, index of last piece, last token)."""
        index = start
        while index < len(pieces) and pieces[index].kind == "skip":
            index += 1
        if index >= len(pieces):
            return None
        piece = pieces[index]
        word = self.tokens.lower[piece.first] if piece.kind == "stop" else piece.text
        if piece.kind == "domain" and word.rpartition(".")[2] in _TLDS:
            return word, index, piece.last
        ending = _TLDS.get(word)
        if ending is None and piece.kind == "letters" and 3 <= len(word) <= 4 and word.isalpha():
            ending = word
        if ending is None:
            return None
        if index + 1 < len(pieces) and pieces[index + 1].text == ".":
            more = self._ending(pieces, index + 2)
            if more is not None and (ending != "com" or more[0] in _COUNTRIES):
                return f"{ending}.{more[0]}", more[1], more[2]
        return ending, index, piece.last

    def _read_locals(self, mention: _Mention, pieces: list[_Piece], end: int) -> None:
        """Fill in the local parts that may end at ``pieces[end]``, one for each beginning."""
        chain = self._leftwards(mention.turn, pieces, end)
        stops = [len(chain)]
        # "thegrays so the and gray with an s at …": what follows "so" explains what precedes it.
        stops += [index for index, piece in enumerate(chain) if piece.text == "so" and index]
        for stop in stops:
            for start in range(stop - 1, -1, -1):
                if chain[start].kind not in ("skip", "symbol"):
                    self._add_local(mention, chain, start, stop)
        clean = [value for value, row in mention.locals.items() if not row["common_words"]]
        longest = max(map(len, mention.locals), default=1)
        best = max(clean, key=len, default="")
        for value, row in mention.locals.items():
            row["longest_without_common"] = float(value == best)
            row["share_of_longest"] = len(value) / longest
        mention.first = min(mention.starts.values(), default=mention.first)

    def _add_local(self, mention: _Mention, chain: list[_Piece], start: int, stop: int) -> None:
        lower = self.tokens.lower
        common = read_words("common_words")
        piece = chain[start]
        parts = [part for part in chain[start:stop] if part.kind != "skip"]
        turn = self.tokens.turn[piece.first]
        left = start
        while (
            left
            and chain[left - 1].kind == "skip"
            and self.tokens.turn[chain[left - 1].first] == turn
        ):
            left -= 1
        opening = chain[left].first
        opens_turn = opening == self.tokens.bounds[turn][0]
        before = "" if opens_turn else lower[opening - 1]
        words = [part for part in parts if part.kind == "word"]
        features = {
            "begins_after_cue": float(left == 0 or before in _BOUNDARY_CUES),
            "begins_turn_or_sentence": float(opens_turn or before in _SENTENCE_ENDS),
            "left_word_common": float(before in common),
            "left_word_cue": float(before in _BOUNDARY_CUES),
            "left_symbol": float(start > 0 and chain[start - 1].kind == "symbol"),
            "left_letters": float(start > 0 and chain[start - 1].kind in ("letters", "number")),
            "left_and": float(start > 0 and lower[chain[start - 1].first] == "and"),
            "first_letter": float(piece.kind == "word" and len(piece.text) == 1),
            "first_the": float(piece.text == "the"),
            "left_the": float(start > 0 and chain[start - 1].text == "the"),
            "first_number": float(piece.kind == "number"),
            "common_words": float(sum(part.text in common for part in words)),
            "first_word_common": float(piece.kind == "word" and piece.text in common),
            "last_word_common": float(parts[-1].kind == "word" and parts[-1].text in common),
            "pieces": float(len(parts)),
            "words": float(len(words)),
            "has_number": float(any(part.kind == "number" for part in parts)),
            "has_separator": float(any(part.kind == "symbol" for part in parts)),
            "crosses_turns": float(turn != mention.turn),
            "ends_early": float(stop != len(chain)),
            "filled_name": float(any(part.kind == "name" for part in parts)),
        }
        for order, (text, spelled) in enumerate(_spellings(parts)):
            value = _tidy_local(text, alone=bool(features["begins_after_cue"]))
            if value is None:
                continue
            row = features | {"reading": float(order), "spelled_share": spelled / len(value)}
            known = mention.locals.get(value)
            if known is not None:
                for name in ("begins_after_cue", "left_word_cue", "begins_turn_or_sentence"):
                    known[name] = max(known[name], row[name])
                continue
            mention.locals[value] = row
            mention.starts[value] = piece.first

    def _leftwards(self, turn: int, pieces: list[_Piece], end: int) -> list[_Piece]:
        """Give the pieces left of ``end`` that an address may hold.

        Earlier turns of the same speaker belong to them where the turns between are short and this
        one has been used up to its first word.
        """
        chain: list[_Piece] = []
        count = 0
        echo = ""
        here: int | None = turn
        while here is not None and turn - here <= 6:
            for index in range(end - 1, -1, -1):
                piece = pieces[index]
                if piece.kind in ("stop", "at", "address", "domain") or count == _MAX_PIECES:
                    here = None
                    break
                if here != turn and chain and piece.text == echo:
                    echo = ""
                    continue
                count += piece.kind != "skip"
                chain.append(piece)
            # "… family four" "the number four?" "number four at …": said again, not twice.
            echo = next((piece.text for piece in reversed(chain) if piece.kind != "skip"), "")
            here = None if here is None else self._continued(here)
            if here is not None:
                pieces = self.pieces(here)
                end = len(pieces)
                while end and pieces[end - 1].kind == "stop" and not pieces[end - 1].text:
                    end -= 1
        chain.reverse()
        return chain

    def _continued(self, turn: int) -> int | None:
        """Give the same speaker's turn before, if only a short turn lies between."""
        bounds = self.tokens.bounds
        turns = self.tokens.transcript.turns
        if turn < 2 or turns[turn - 2].speaker != turns[turn].speaker:
            return None
        if turns[turn - 1].speaker == turns[turn].speaker:
            return None
        first, last = bounds[turn - 1]
        if last - first > 10 or _speaks_of_email(self.tokens.lower[first:last]):
            return None
        return turn - 2


class _Gatherer:
    """Joins the mentions of each value, adds corrected values, and describes them all."""

    def __init__(self, reader: _Reader, mentions: list[_Mention]) -> None:
        self.reader = reader
        self.tokens = reader.tokens
        self.mentions = mentions
        self.heard: dict[str, _Heard] = {}

    def candidates(self) -> list[Candidate]:
        """Give one candidate a value, in the order in which they were first said."""
        for order, mention in enumerate(self.mentions):
            context = self._context(mention, order)
            for local, row in mention.locals.items():
                for domain, features in self._domains(mention):
                    span = (mention.starts[local], mention.last)
                    self._add(f"{local}@{domain}", row | context | features, span, mention)
        self._respell()
        values = sorted(self.heard.items(), key=lambda item: (item[1].spans[0], item[0]))
        found = []
        for value, heard in values:
            if not _is_valid(value):
                continue
            self._describe(value, heard)
            found.append(Candidate(JobField.EMAIL, value, self._evidence(heard), heard.features))
        return found

    def _domains(self, mention: _Mention) -> Iterator[tuple[str, dict[str, float]]]:
        domain = mention.domain
        known = _providers().get(domain.text.partition(".")[0])
        yield domain.text, {"default_domain": float(domain.text == known)}
        if domain.said and known and known != domain.text:
            yield known, {"default_domain": 1.0, "domain_said": 0.0}

    def _context(self, mention: _Mention, order: int) -> dict[str, float]:
        tokens = self.tokens
        turns = tokens.transcript.turns
        asked = mention.turn > 0 and self.reader.speaks_of_email(mention.turn - 1)
        first = max(tokens.bounds[mention.turn][0], mention.first - 40)
        here = tokens.lower[first : mention.first]
        opening: set[str] = set()
        if mention.turn + 1 < len(turns):
            start, end = tokens.bounds[mention.turn + 1]
            opening.update(tokens.lower[start : min(start + 4, end)])
        name = mention.domain.text.partition(".")[0]
        return {
            "asked_before": float(asked),
            "email_word_before": float(_speaks_of_email(here)),
            "confirmed_after": float(bool(opening & _YES)),
            "denied_after": float(bool(opening & _NO)),
            "provider": float(mention.domain.provider),
            "domain_said": float(mention.domain.said),
            "without_at": float(mention.without_at),
            "company_domain": float(_is_company(name, tokens.transcript.metadata.company_name)),
            "last_mention": float(order == len(self.mentions) - 1),
            "position": mention.last / len(tokens),
        }

    def _add(
        self, value: str, row: Mapping[str, float], span: tuple[int, int], mention: _Mention
    ) -> None:
        known = self.heard.get(value)
        if known is None:
            self.heard[value] = _Heard(dict(row), [span], [mention])
            return
        # The best hearing of a value describes it; how often it was heard is counted apart.
        for name, number in row.items():
            if number > known.features.get(name, 0.0):
                known.features[name] = number
        known.spans.append(span)
        if mention not in known.mentions:
            known.mentions.append(mention)

    def _respell(self) -> None:
        """Add values in which a stretch gives way to a like-sounding one spelled in the call."""
        spelled = dict.fromkeys(text for text, _ in self.reader.spelled)
        known = [*spelled, *self.reader.first_names[:2], *self.reader.last_names[:2]]
        plausible = [
            (value, heard)
            for value, heard in self.heard.items()
            if not heard.features.get("common_words")
        ][:12]
        for value, heard in plausible:
            local, _, domain = value.rpartition("@")
            mended = local
            likeness = 1.0
            for text in known:
                fitted = _fit_in(mended, text)
                if fitted is not None:
                    mended, likeness = fitted[0], min(likeness, fitted[1])
            if mended == local:
                continue
            row = {name: heard.features.get(name, 0.0) for name in heard.features}
            row |= {"respelled": 1.0, "respelling_likeness": likeness}
            fresh = f"{mended}@{domain}" not in self.heard
            if fresh:
                self._add(f"{mended}@{domain}", row, heard.spans[0], heard.mentions[0])

    def _describe(self, value: str, heard: _Heard) -> None:
        features = heard.features
        local = value.rpartition("@")[0]
        by_agent = sum(mention.speaker is Speaker.AGENT for mention in heard.mentions)
        features["agent_mentions"] = float(by_agent)
        features["caller_mentions"] = float(len(heard.mentions) - by_agent)
        features["said_by_agent_only"] = float(by_agent == len(heard.mentions))
        features["mention_share"] = len(heard.mentions) / len(self.mentions)
        features["length"] = float(len(local))
        features["rivals"] = float(len(self.heard))
        own = {text for text, speaker in self.reader.spelled if speaker is not Speaker.AGENT}
        all_texts = {text for text, _ in self.reader.spelled}
        features["spelled_in_call"] = _share_of(local, all_texts)
        features["spelled_by_caller"] = _share_of(local, own)
        features["unlike_spelling"] = float(
            sum(_fit_in(local, text) is not None for text in own if text not in local)
        )
        names = [*self.reader.first_names[:2], *self.reader.last_names[:2]]
        features["name_share"] = _share_of(local, names)
        features["name_begins"] = float(any(local.startswith(name) for name in names))

    def _evidence(self, heard: _Heard) -> tuple[Span, ...]:
        """Give the spans of the value, cut at the ends of turns."""
        tokens = self.tokens
        spans = []
        for first, last in heard.spans:
            start = first
            for token in range(first, last):
                if token + 1 == last or tokens.turn[token + 1] != tokens.turn[start]:
                    if tokens.speaker(start) is tokens.speaker(last - 1):
                        spans.append(tokens.span(start, token + 1))
                    start = token + 1
        return tuple(dict.fromkeys(sorted(spans)))


def _spellings(parts: list[_Piece]) -> Iterator[tuple[str, int]]:
    """Give the ways to write a chain of pieces, likeliest first, with the letters spelled in each.

    A word that is then spelled is written once, as spelled; so is a piece said twice over a turn.
    """
    kept = _without_repeats(parts)
    spelled = sum(len(part.text) for part in kept if part.kind == "letters")
    yield "".join(part.text for part in kept), spelled
    for index, part in enumerate(kept):
        for other in part.others:
            texts = [piece.text for piece in kept]
            texts[index] = other
            yield "".join(texts), spelled
    single = [
        part
        for index, part in enumerate(kept)
        if index == 0 or part.text != kept[index - 1].text or part.kind == "symbol"
    ]
    if len(single) < len(kept):
        yield "".join(part.text for part in single), spelled
    if len(kept) < len(parts):
        yield "".join(part.text for part in parts), spelled


def _without_repeats(parts: Sequence[_Piece]) -> list[_Piece]:
    kept: list[_Piece] = []
    for part in parts:
        if part.kind == "letters" and len(part.text) > 1:
            repeated = _count_repeated(kept, part.text)
            if repeated:
                del kept[-repeated:]
            kept.append(part)
        elif not (
            part.kind == "word"
            and len(part.text) > 2
            and kept
            and kept[-1].kind == "letters"
            and kept[-1].text.endswith(part.text)
        ):
            kept.append(part)
    return kept


def _count_repeated(kept: Sequence[_Piece], spelled: str) -> int:
    """Give how many of the last pieces say what ``spelled`` then spells; 0 for none."""
    best, best_likeness = 0, 0.7
    for count in range(1, min(4, len(kept) + 1)):
        tail = kept[-count:]
        if any(piece.kind not in ("word", "letters", "name") for piece in tail):
            break
        said = "".join(piece.text for piece in tail)
        likeness = Levenshtein.normalized_similarity(said, spelled)
        if likeness >= best_likeness:
            best, best_likeness = count, likeness
    return best


def _joined(parts: Sequence[_Piece]) -> str:
    return "".join(part.text for part in _without_repeats(parts))


def _share_of(local: str, texts: Iterable[str]) -> float:
    """Give the share of a local part that lies inside one of the texts."""
    covered = [False] * len(local)
    for text in texts:
        start = local.find(text) if text else -1
        if start >= 0:
            covered[start : start + len(text)] = [True] * len(text)
    return sum(covered) / len(local)


def _fit_in(local: str, text: str) -> tuple[str, float] | None:
    """Put ``text`` in place of the stretch of ``local`` that is most like it, but not equal."""
    size = len(text)
    if size < 3 or text in local or size > len(local) + 1:
        return None
    best, best_cost = None, max(1, size // 3) + 1
    for width in (size, size - 1, size + 1):
        for start in range(len(local) - width + 1):
            stretch = local[start : start + width]
            if not stretch.isalpha():
                continue
            cost = Levenshtein.distance(stretch, text, score_cutoff=best_cost - 1)
            if cost < best_cost:
                best, best_cost = (start, width), cost
    if best is None:
        return None
    start, width = best
    return local[:start] + text + local[start + width :], 1.0 - best_cost / size


def _tidy_local(text: str, *, alone: bool = False) -> str | None:
    """Give a local part as it may be written, None for what cannot be one.

    One letter or digits only are but a part of one, unless they stand ``alone``.
    """
    local = text.strip("".join(_LOCAL_MARKS)).replace("'", "")
    while ".." in local:
        local = local.replace("..", ".")
    if not 1 <= len(local) <= 40 or not any(char.isalnum() for char in local):
        return None
    if not alone and (len(local) == 1 or not any(char.isalpha() for char in local)):
        return None
    if len(local) == 1 and not local.isalpha():
        return None
    return local if local.isascii() else _plain_ascii(local)


def _plain(word: str) -> str:
    """Give the letters and digits of a word in lower case, without accents."""
    word = word.lower()
    if word.isascii() and word.isalnum():
        return word
    return "".join(char for char in _plain_ascii(word) if char.isalnum())


def _plain_ascii(text: str) -> str:
    from unicodedata import combining, normalize

    folded = normalize("NFKD", text)
    return "".join(char for char in folded if not combining(char) and char.isascii())


def _mended_domain(name: str, ending: str) -> str:
    """Give the usual domain where the name is a known service's, misheard or in pieces."""
    whole = f"{name}.{ending}"
    if whole in _known_domains():
        return whole
    known = _provider_of(name)
    if known is None:
        return whole
    stem = known.partition(".")[0]
    return known if known.endswith(ending) or stem != name else whole


def _provider_of(name: str) -> str | None:
    """Give the domain of a mail service by its name, its variants, or one letter's difference."""
    exact = _providers().get(name)
    if exact is not None:
        return exact
    if len(name) < 5:
        return None
    for known, domain in _providers().items():
        if len(known) >= 5 and Levenshtein.distance(known, name, score_cutoff=1) <= 1:
            return domain
    return None


@lru_cache(maxsize=1)
def _providers() -> Mapping[str, str]:
    """Map the names of mail services, written together, to their domain."""
    table: dict[str, str] = {}
    for name, domain, *heard in read_rows("mail_domains"):
        table[name] = domain
        for variant in _variants(heard):
            table[variant.replace(" ", "").replace("dot", ".")] = domain
            table[variant.replace(" ", "")] = domain
    return table


def _variants(columns: Sequence[str]) -> list[str]:
    return [variant for column in columns for variant in column.split(",") if variant]


@lru_cache(maxsize=1)
def _service_phrases() -> Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]:
    """Index the names of mail services that are said in several words, by first word."""
    index: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, _, *heard in read_rows("mail_domains"):
        for variant in _variants(heard):
            words = tuple(variant.split())
            if len(words) > 1 and "dot" not in words:
                index.setdefault(words[0], []).append((words, name))
    return {
        first: tuple(sorted(found, key=lambda entry: -len(entry[0])))
        for first, found in index.items()
    }


def _service_at(lower: list[str], at: int, end: int) -> tuple[str, int] | None:
    """Give the service named at ``at`` in several words, with their number."""
    for words, name in _service_phrases().get(lower[at], ()):
        if tuple(lower[at : min(at + len(words), end)]) == words:
            return name, len(words)
    return None


@lru_cache(maxsize=1)
def _known_domains() -> frozenset[str]:
    return frozenset(_providers().values())


@lru_cache(maxsize=1)
def _phrases() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    index: dict[str, list[tuple[str, ...]]] = {}
    for phrase in read_words("mail_phrases"):
        words = tuple(phrase.split())
        index.setdefault(words[0], []).append(words)
    return {
        first: tuple(sorted(phrases, key=len, reverse=True)) for first, phrases in index.items()
    }


def _phrase_at(lower: list[str], at: int, end: int) -> int:
    """Give how many tokens of the turn at ``at`` are said around an address, not in it."""
    for phrase in _phrases().get(lower[at], ()):
        if tuple(lower[at : min(at + len(phrase), end)]) == phrase:
            return len(phrase)
    return 0


def _speaks_of_email(words: Iterable[str]) -> bool:
    return any(word in ("email", "emails", "mail", "correo", "e-mail") for word in words)


def _is_company(name: str, company: str | None) -> bool:
    if not company:
        return False
    written = _plain(company.lower())
    return len(name) >= 5 and (name in written or written in name)


def _is_valid(value: str) -> bool:
    """Tell whether an address is well-formed; nothing is looked up."""
    domain = value.rpartition("@")[2]
    if "." not in domain or domain.startswith(".") or ".." in domain:
        return False
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True
