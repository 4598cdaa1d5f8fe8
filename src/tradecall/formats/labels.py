"""Speakers as files name them: roles in words, and labels at the head of a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tradecall.transcript import Speaker

# Order matters: "customer service rep" is an agent although it names the customer.
_ROLE_WORDS = {
    Speaker.SYSTEM: (
        "ivr system recording recorded automated attendant voicemail announcement announcer menu "
        "prompt"
    ),
    Speaker.AGENT: (
        "agent agents csr rep reps representative operator dispatcher dispatch receptionist "
        "employee staff associate advisor specialist support service services care office "
        "assistant bot ai host coordinator scheduler internal clerk salesperson consultant seller"
    ),
    Speaker.CALLER: (
        "caller callers customer customers client clients homeowner owner tenant resident prospect "
        "lead user guest consumer contact member external buyer patient"
    ),
    Speaker.OTHER: "other others background technician tech third spouse",
}
_ROLE_WORD_SETS = {role: frozenset(words.split()) for role, words in _ROLE_WORDS.items()}
# "Caller ID: …" and "Agent name: …" head a file; they are not speakers.
_KEY_WORDS = "id name number phone email mail date time duration location url type language count"
_KEY_WORD_SET = frozenset(_KEY_WORDS.split())
_WORD = re.compile(r"[a-z]+")
_PARENTHESIS = re.compile(r"[(\[]([^)\]]*)[)\]]")
_GENERIC = re.compile(
    r"(?:(?:speaker|spk|spkr|participant|person|voice|channel|ch|party|side|unknown speaker|"
    r"speaker channel|track|leg)[ _#.-]{0,2}(?:\d{1,3}|[a-z])|s\d{1,2}|[ac]|\d{1,2})",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?[\d(][\d ().-]{5,18}\d")
_TIME = r"(?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,:]\d{1,3})?"
_TIME_END = rf"\s{{0,2}}(?:-->|->|-|\u2013|\u2014|to)\s{{0,2}}{_TIME}"
_TIME_BLOCK = rf"[\[(<]?\s{{0,2}}({_TIME})(?:{_TIME_END})?\s{{0,2}}[\])>]?"
_LEADING_TIME = re.compile(rf"{_TIME_BLOCK}(?=[\s:|\u2013-]|$)[\s:|\u2013-]*")
_MARKUP = re.compile(r"^[\s>*_#•]+")
_BRACKETED = re.compile(r"[\[<(]([^\[\]<>():]{1,40})[\])>]\s*[:|\u2013-]?\s*")
_TIMED = re.compile(rf"([^:\[\]<>]{{1,48}}?)[\s,|\u2013-]+{_TIME_BLOCK}\s*[:|\u2013-]?(?:\s+|$)")
_COLON = re.compile(r"([^:\uff1a\t\[\]<>]{1,48})[:\uff1a]([\s*_]*)")
_SEPARATED = re.compile(r"([^:\t|>\u2013-]{1,32})(?:\t+|\s*[|>]\s*|\s+[\u2013-]+\s+)")
# Labels lie within so many characters; patterns see no more of a line, however long it is.
_HEAD = 160


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """A line as it may be read: perhaps a speaker, perhaps a time, and the words after them.

    Attributes:
        line: The line as it stands.
        label: What may be a speaker; ``usual_labels`` tells which are.
        text: The rest; ``line`` without its time where there is no label.
        start_s: Seconds since the call began, where the line says.
        marked: Whether a colon, a bracket or a time sets the label apart.
    """

    line: str
    label: str | None
    text: str
    start_s: float | None = None
    marked: bool = True


def role_of_label(label: str | None) -> Speaker:
    """Give the role that a label states ("CSR", "Dana (agent)", "Customer 1"), else ``UNKNOWN``."""
    if not label or len(label) > 64:
        return Speaker.UNKNOWN
    lower = label.lower()
    inner = _PARENTHESIS.search(lower)
    if inner:
        role = _role_of_words(_WORD.findall(inner[1]))
        if role is not Speaker.UNKNOWN:
            return role
    return _role_of_words(_WORD.findall(lower))


def _role_of_words(words: list[str]) -> Speaker:
    if not words or not _KEY_WORD_SET.isdisjoint(words):
        return Speaker.UNKNOWN
    for role, role_words in _ROLE_WORD_SETS.items():
        if not role_words.isdisjoint(words):
            return role
    return Speaker.UNKNOWN


def is_generic_label(label: str) -> bool:
    """Tell ``Speaker 1``, ``spk_0``, ``S2`` and the like."""
    return _GENERIC.fullmatch(label.strip()) is not None


def is_phone_label(label: str) -> bool:
    """Tell a telephone number that stands where the speaker's name would."""
    return _PHONE.fullmatch(label.strip()) is not None


def parse_seconds(value: str) -> float | None:
    """Read ``"12.5"``, ``"00:12"``, ``"1:02:03,450"`` as seconds, None where it is neither."""
    parts = value.strip().replace(",", ".").split(":")
    if not 1 <= len(parts) <= 3 or any(not part or len(part) > 12 for part in parts):
        return None
    seconds = 0.0
    for part in parts:
        if not part.replace(".", "", 1).isascii() or not part.replace(".", "", 1).isdigit():
            return None
        seconds = seconds * 60 + float(part)
    return seconds


def split_line(line: str) -> LabelledLine:
    """Take a line apart into time, label and words, without judging whether the label is one."""
    line = line.strip()
    rest, start_s = _MARKUP.sub("", line), None
    timed = _LEADING_TIME.match(rest[:_HEAD])
    if timed:
        start_s, rest = parse_seconds(timed[1]), _MARKUP.sub("", rest[timed.end() :])
    head = rest[:_HEAD]
    bracketed = _BRACKETED.match(head)
    if bracketed:
        return LabelledLine(line, bracketed[1].strip(), rest[bracketed.end() :], start_s)
    trailing = _TIMED.match(head) if start_s is None else None
    if trailing and _could_be_label(trailing[1]):
        time_s = parse_seconds(trailing[2])
        return LabelledLine(line, _clean(trailing[1]), rest[trailing.end() :], time_s)
    colon = _COLON.match(head)
    if colon and _could_be_label(colon[1]):
        text = rest[colon.end() :]
        # "Agent:hello" is a label only because it states a role; "10:30" or "http://" is none.
        if colon[2] or not text or _states_role(colon[1]):
            return LabelledLine(line, _clean(colon[1]), text, start_s)
    separated = _SEPARATED.match(head)
    if separated and _could_be_label(separated[1]):
        text = rest[separated.end() :]
        return LabelledLine(line, _clean(separated[1]), text, start_s, marked=False)
    if len(rest) <= 32 and _could_be_label(rest) and (timed or _is_stated(_clean(rest))):
        return LabelledLine(line, _clean(rest), "", start_s, marked=timed is not None)
    return LabelledLine(line, None, rest, start_s)


def usual_labels(lines: Iterable[LabelledLine]) -> frozenset[str]:
    """Give the labels that are speakers, judged over the whole call.

    A stated role, ``Speaker 1`` or a telephone number is one at once where a colon, a bracket or
    a time sets it apart. Otherwise a name has to be set apart twice ("okay:" is said once), and
    roles alone on their lines have to be a good share of these ("owner" may be an answer).
    """
    counts: Counter[str] = Counter()
    accepted: set[str] = set()
    bare: list[str] = []
    total = 0
    for line in lines:
        total += 1
        label = line.label
        if label is None:
            continue
        if not line.marked:
            bare += [label] if _is_stated(label) else []
        elif _is_stated(label) or is_phone_label(label):
            accepted.add(label)
        else:
            counts[label] += 1
    accepted |= {label for label, count in counts.items() if count > 1}
    if len(bare) > 1 and len(bare) * 4 > total:
        accepted |= set(bare)
    return frozenset(accepted)


def _is_stated(label: str) -> bool:
    return is_generic_label(label) or _states_role(label)


def _states_role(label: str) -> bool:
    # "I told the office: …" is speech; a label has few words.
    return len(label.split()) < 5 and role_of_label(label) is not Speaker.UNKNOWN


def _could_be_label(text: str) -> bool:
    text = text.strip()
    if not text or len(text) > 48 or len(text.split()) > 5:
        return False
    return not any(char in '?!;"\u201c\u201d' for char in text) and not text.endswith(",")


def _clean(label: str) -> str:
    return label.strip().strip("*_").strip(" -\u2013|,\t")
