"""One tokenisation a call, shared by every finder.

spaCy's English tokenizer, without its exceptions, cuts the whole call once. Contractions stay
whole ("don't", "whats") but for 's, which is a token of its own; so are hyphens between letters or
digits ("S-M-Y" → S - M - Y). E-mail addresses stay whole. Finders read the plain lists below, which
cost less to index than spaCy's tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tradecall.transcript import Span, Speaker, Transcript

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

# "sixty-7": recognisers mix words and digits within one number.
_MIXED_HYPHENS = (r"(?<=[A-Za-z])-(?=[0-9])", r"(?<=[0-9])-(?=[A-Za-z])")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A call as parallel lists, one entry a token (newlines between turns are no tokens).

    Attributes:
        transcript: The call.
        doc: spaCy's document of ``transcript.text``; ``index`` maps our tokens to its tokens.
        text: Tokens as written.
        lower: Tokens in lower case, typographic apostrophes made plain.
        start: Offset of the first character in ``transcript.text``.
        end: Offset after the last.
        turn: Index of the turn.
        bounds: For each turn, its first token and the one after its last.
    """

    transcript: Transcript
    doc: Doc
    index: list[int]
    text: list[str]
    lower: list[str]
    start: list[int]
    end: list[int]
    turn: list[int]
    bounds: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.lower)

    def speaker(self, token: int) -> Speaker:
        """Give who says a token."""
        return self.transcript.turns[self.turn[token]].speaker

    def span(self, first: int, last: int) -> Span:
        """Give the characters of tokens ``[first, last)``; they must be of one turn."""
        return Span(self.start[first], self.end[last - 1])

    def words(self, turn: int) -> list[str]:
        """Give one turn's tokens in lower case."""
        first, last = self.bounds[turn]
        return self.lower[first:last]


def tokenize(transcript: Transcript) -> Tokens:
    """Cut a call into tokens, once."""
    doc = blank_english().make_doc(transcript.text)
    starts = transcript.turn_starts
    index: list[int] = []
    text: list[str] = []
    lower: list[str] = []
    start: list[int] = []
    end: list[int] = []
    turn: list[int] = []
    counts = [0] * len(starts)
    current = 0
    for position, token in enumerate(doc):
        if token.is_space:
            continue
        offset = token.idx
        while current + 1 < len(starts) and starts[current + 1] <= offset:
            current += 1
        written = token.text
        index.append(position)
        text.append(written)
        lower.append(written.lower().replace("’", "'"))
        start.append(offset)
        end.append(offset + len(written))
        turn.append(current)
        counts[current] += 1
    bounds, first = [], 0
    for count in counts:
        bounds.append((first, first + count))
        first += count
    return Tokens(transcript, doc, index, text, lower, start, end, turn, bounds)


@lru_cache(maxsize=1)
def blank_english() -> Language:
    """Give the shared spaCy pipeline: English without exceptions, so that words stay as heard."""
    import spacy
    from spacy.tokenizer import Tokenizer
    from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

    nlp = spacy.blank("en")
    defaults, usual = nlp.Defaults, nlp.tokenizer
    nlp.tokenizer = Tokenizer(
        nlp.vocab,
        rules={},
        prefix_search=compile_prefix_regex(list(defaults.prefixes or ())).search,
        suffix_search=compile_suffix_regex(list(defaults.suffixes or ())).search,
        infix_finditer=compile_infix_regex([*(defaults.infixes or ()), *_MIXED_HYPHENS]).finditer,
        token_match=None,
        url_match=getattr(usual, "url_match", None),
    )
    return nlp
