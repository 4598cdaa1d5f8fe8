"""Letters that were spelled out: "s m i t h", "B as in boy", "double l", "hotel alpha bravo".

A run is of one turn and says only which letters were spoken there; whose name they spell, and
which run continues another after "mm hm", is for the finders to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from rapidfuzz.distance import Levenshtein

from tradecall.lexicons import read_words
from tradecall.tokens import Tokens

_WORDS_FOR_LETTERS = (
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike "
    "november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu"
)
_NATO = {word: word[0] for word in _WORDS_FOR_LETTERS.split()}

# How a recogniser writes letter names. The second kind are words of their own, and letters only
# between two letters ("c are u z").
_HEARD = dict(
    pair.split("=")
    for pair in (
        "bee=b cee=c dee=d eff=f ef=f gee=g aitch=h haitch=h kay=k ell=l pee=p ess=s tee=t vee=v "
        "zee=z zed=z wye=y"
    ).split()
)
_HEARD_BETWEEN = dict(
    pair.split("=")
    for pair in (
        "be=b see=c sea=c eh=a ay=a jay=j el=l em=m en=n cue=q queue=q are=r tea=t you=u ex=x "
        "why=y oh=o eye=i age=h"
    ).split()
)
_SPANISH = dict(
    pair.split("=")
    for pair in (
        "efe=f hache=h jota=j ele=l eme=m ene=n eñe=ñ ere=r erre=r ese=s uve=v equis=x zeta=z "
        "ceta=z griega=y"
    ).split()
)
_SPANISH_BETWEEN = dict(
    pair.split("=") for pair in "be=b ce=c de=d ge=g ka=k pe=p cu=q te=t ve=v ye=y".split()
)

_REPEATS = {"double": 2, "doble": 2, "triple": 3}
_COUNTS = {"two": 2, "2": 2, "too": 2, "to": 2, "three": 3, "3": 3}
_MARKS = {
    "hyphen": "-",
    "dash": "-",
    "minus": "-",
    "apostrophe": "'",
    "apostrophy": "'",
    "space": " ",
}
_CASES = frozenset({"capital", "cap", "uppercase", "lowercase", "big", "little", "letter"})
_FILLERS = frozenset({"um", "uh", "er", "erm", "then", ",", "-", "–", "...", "…", "/"})
_LIKE = frozenset({"like", "for", "de", "como", "is"})
_ARTICLES = frozenset({"in", "the", "a", "an", "is", "-"})
_LONGEST_CUE = 8  # tokens from a letter to the word that makes it sure
_MOST_PIECES = 64  # longer than any name or address; it bounds what is tried at each token


@dataclass(frozen=True, slots=True)
class LetterRun:
    """Letters spelled one after another in one turn.

    Attributes:
        first: First token.
        last: The token after the last.
        turn: Index of the turn.
        text: The letters in lower case; "-", "'" and " " where they were spoken, digits where
            they stood among the letters.
        letters: How many letters were spelled.
        as_in: How many of them by a word ("b as in boy", "bravo").
        places: For each character of ``text``, the first token of what spelled it.
    """

    first: int
    last: int
    turn: int
    text: str
    letters: int
    as_in: int
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one or a few tokens spell.

    ``weak`` pieces need a sure letter on both sides. A ``chunk`` is several letters that the
    recogniser wrote together ("P ET ER").
    """

    last: int
    text: str
    as_in: int = 0
    weak: bool = False
    chunk: bool = False


def find_letter_runs(tokens: Tokens) -> list[LetterRun]:
    """Find what was spelled, in call order.

    A run has two letters at least, or one that a word makes sure ("b as in boy"); "i" and "a"
    alone make none.
    """
    runs: list[LetterRun] = []
    for turn, (first, last) in enumerate(tokens.bounds):
        at = first
        while at < last:
            run = _run_at(tokens, at, last, turn)
            if run is None:
                at += 1
            else:
                runs.append(run)
                at = run.last
    return runs


def _run_at(tokens: Tokens, first: int, end: int, turn: int) -> LetterRun | None:
    lower = tokens.lower
    pieces: list[tuple[int, _Piece]] = []
    if lower[first] == "a" and first and lower[first - 1] == "with":
        return None
    at = first
    while at < end and len(pieces) < _MOST_PIECES:
        if pieces and lower[at] == "a" and at + 1 < end and lower[at + 1] in _MARKS:
            at += 1
        piece = _piece_at(lower, at, end) or _chunk_at(tokens, at, end, turn)
        if piece is not None:
            pieces.append((at, piece))
            at = piece.last
        elif not pieces:
            return None
        elif lower[at] in _FILLERS or lower[at] in _CASES:
            at += 1
        elif lower[at] == "and" and at + 1 < end and lower[at + 1] == "then":
            at += 2
        else:
            break
    if not _are_sure(pieces):
        pieces = list(takewhile(lambda item: not item[1].chunk, pieces))
    while pieces and (pieces[-1][1].weak or not pieces[-1][1].text[-1:].isalnum()):
        pieces.pop()
    while pieces and (pieces[0][1].weak or not pieces[0][1].text[:1].isalpha()):
        pieces.pop(0)
    if not pieces:
        return None
    if len(pieces) > 2 and _is_named_letter(lower, pieces):
        pieces.pop(0)
    text = "".join(piece.text for _, piece in pieces)
    letters = sum(char.isalpha() for char in text)
    as_in = sum(piece.as_in for _, piece in pieces)
    words = sum(lower[at] in _NATO for at, _ in pieces)
    plain = as_in - words
    if words == len(pieces) < 3 or (letters < 2 and not plain) or not set(text) - {"a", "i"}:
        return None
    places = tuple(at for at, piece in pieces for _ in piece.text)
    return LetterRun(pieces[0][0], pieces[-1][1].last, turn, text, letters, as_in, places)


def _are_sure(pieces: list[tuple[int, _Piece]]) -> bool:
    """Tell whether letters were said apart, so that the chunks among them may be letters too."""
    single = {piece.text for _, piece in pieces if not piece.chunk and not piece.weak}
    sure = sum(not piece.weak for _, piece in pieces)
    return not single <= {"a", "i"} and (sure > 2 or all(not piece.chunk for _, piece in pieces))


def _chunk_at(tokens: Tokens, at: int, end: int, turn: int) -> _Piece | None:
    """Read letters that were written together: "ET", "ll", but no word that is then spelled."""
    word, said = tokens.lower[at], tokens.text[at]
    if not 1 < len(word) < 5 or not word.isalpha() or not word.isascii():
        return None
    loud = said.isupper()
    if not loud and len(word) > 2:
        return None
    mixed = loud and any(other.islower() for other in tokens.text[slice(*tokens.bounds[turn])])
    if not mixed and word in read_words("common_words"):
        return None
    if tokens.lower[at + 1 : min(at + 1 + len(word), end)] == list(word):
        return None
    return _Piece(at + 1, word, weak=not loud, chunk=True)


def _is_named_letter(lower: list[str], pieces: list[tuple[int, _Piece]]) -> bool:
    """Tell whether the first letter only says how a word is written: "cathy with a c, c a t h y".

    It does where the spelling repeats it, or without it is more like the word before "with".
    """
    at, first = pieces[0]
    if at < 2 or lower[at - 2] != "with" or lower[at - 1] not in ("a", "an"):
        return False
    if first.text == pieces[1][1].text:
        return True
    before = at - 4 if at > 3 and lower[at - 3] == "," else at - 3
    named = lower[before] if before >= 0 else ""
    rest = "".join(piece.text for _, piece in pieces[1:])
    whole = first.text + rest
    return Levenshtein.distance(rest, named) < Levenshtein.distance(whole, named)


def _piece_at(lower: list[str], at: int, end: int) -> _Piece | None:
    word = lower[at]
    if len(word) == 1:
        if word.isalpha():
            return _with_word(lower, at, end, word)
        if word.isdigit():
            return _Piece(at + 1, word, weak=True) if _letter_follows(lower, at + 1, end) else None
        return None
    if len(word) == 2 and word[1] == "." and word[0].isalpha():
        return _Piece(at + 1, word[0])
    if word in _REPEATS and at + 1 < end:
        return _repeated(lower, at, end)
    if word in _COUNTS:
        return _counted(lower, at, end)
    if word in _MARKS:
        return _Piece(at + 1, _MARKS[word]) if _letter_follows(lower, at + 1, end) else None
    if word in _NATO:
        return _Piece(at + 1, _NATO[word], as_in=1)
    for table, weak in (
        (_HEARD, False),
        (_SPANISH, False),
        (_HEARD_BETWEEN, True),
        (_SPANISH_BETWEEN, True),
    ):
        if word in table:
            heard = _with_word(lower, at, end, table[word])
            return heard if heard.as_in else _Piece(at + 1, table[word], weak=weak)
    return _dotted(word, at)


def _with_word(lower: list[str], at: int, end: int, letter: str) -> _Piece:
    """Read "as in boy", "like bravo", "for boy" after a letter, where it is there."""
    next_ = at + 1
    if next_ < end and lower[next_] in {",", "-", "."}:
        next_ += 1
    if next_ + 2 == end and lower[next_:end] == ["as", "in"]:
        return _Piece(end, letter, as_in=1)
    if next_ + 1 >= end:
        return _Piece(at + 1, letter)
    said_as = lower[next_] == "as"
    if lower[next_] == "is" and lower[next_ + 1] in {"for", "in"}:
        next_ += 1
    if not said_as and lower[next_] not in _LIKE and lower[next_] != "in":
        return _Piece(at + 1, letter)
    next_ += 1
    while next_ < min(end, at + _LONGEST_CUE) and lower[next_] in _ARTICLES:
        next_ += 1
    if next_ >= end or not (said_as or lower[next_].startswith(letter)) or len(lower[next_]) < 2:
        if next_ + 1 < end and lower[next_ : next_ + 2] == ["x", "ray"]:
            return _Piece(next_ + 2, letter, as_in=1)
        return _Piece(at + 1, letter)
    last = next_ + 1
    if lower[last : last + 1] == ["again"]:
        last += 1
    return _Piece(last, letter, as_in=1)


def _repeated(lower: list[str], at: int, end: int) -> _Piece | None:
    """Read "double l"; "double u" is a w, unless more letters doubled so would be meant."""
    next_ = at + 2 if lower[at + 1] == "-" and at + 2 < end else at + 1
    word = lower[next_]
    if lower[at] == "double" and word in {"u", "you", "ewe"}:
        return _with_word(lower, next_, end, "w")
    if lower[at] == "doble" and word in {"u", "ve", "uve"}:
        return _Piece(next_ + 1, "w")
    letter = word if len(word) == 1 and word.isalpha() else _HEARD.get(word)
    if letter is None:
        return None
    return _Piece(next_ + 1, letter * _REPEATS[lower[at]])


def _counted(lower: list[str], at: int, end: int) -> _Piece | None:
    """Read "two t's", "two rs"."""
    if at + 1 >= end:
        return None
    word = lower[at + 1]
    count = _COUNTS[lower[at]]
    if len(word) == 2 and word[0].isalpha() and word[1] == "s" and word not in {"as", "is", "us"}:
        return _Piece(at + 2, word[0] * count)
    if len(word) == 3 and word[0].isalpha() and word[1:] == "'s":
        return _Piece(at + 2, word[0] * count)
    if len(word) == 1 and word.isalpha() and lower[at + 2 : at + 3] == ["'s"] and at + 2 < end:
        return _Piece(at + 3, word * count)
    return None


def _dotted(word: str, at: int) -> _Piece | None:
    """Read "s.m.i.t.h", which the tokenizer keeps whole."""
    letters = word.rstrip(".").split(".")
    if len(letters) > 2 and all(len(letter) == 1 and letter.isalpha() for letter in letters):
        return _Piece(at + 1, "".join(letters))
    return None


def _letter_follows(lower: list[str], at: int, end: int) -> bool:
    while at < end and (lower[at] in _FILLERS or lower[at] in _CASES):
        at += 1
    return at < end and len(lower[at]) == 1 and lower[at].isalpha()
