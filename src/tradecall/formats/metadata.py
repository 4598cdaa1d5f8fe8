"""Column and header names in their usual variants → ``CallMetadata``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from tradecall.transcript import AgentIdentity, CallMetadata

_ALIASES: dict[str, str] = {
    "call_id": (
        "call_id callid conversation_id call_sid contact_id interaction_id recording_id session_id "
        "call_uuid call_ref call_reference call_number call uuid ucid"
    ),
    "caller_id": (
        "caller_id callerid ani caller_number caller_phone caller_phone_number from_number "
        "customer_phone customer_phone_number customer_number phone_from source_number from"
    ),
    "called_number": (
        "called_number dnis to_number called dialed_number dialled_number tracking_number "
        "tracking_phone_number destination_number to"
    ),
    "company_name": (
        "company_name company business business_name account_name brand brand_name tenant_name"
    ),
    "agent_name": ("agent_name agent csr csr_name rep rep_name user_name employee handled_by"),
    "agent_first_name": "agent_first_name",
    "agent_last_name": "agent_last_name",
    "agent_id": ("agent_id agent_login csr_id rep_id user_id employee_id agent_username"),
    "agent_email": "agent_email csr_email rep_email user_email employee_email",
    "agent_phone": "agent_phone agent_number agent_extension",
    "started_at": (
        "started_at start_date call_start call_started_at call_start_time date_time datetime "
        "call_date call_time date created_at"
    ),
}
_NAME_OF_ALIAS = {alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()}
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]+")


def normalized_key(key: str) -> str:
    """Give a column or header name in lower case with underscores (``"Call ID"`` → ``call_id``)."""
    return _NOT_ALPHANUMERIC.sub("_", key.lower()).strip("_")


def is_metadata_key(key: str) -> bool:
    """Tell whether a column or header name is one that ``build_metadata`` puts in its place."""
    return normalized_key(key) in _NAME_OF_ALIAS


def build_metadata(values: Mapping[str, str]) -> CallMetadata:
    """Put named values in their places; what has none is kept in ``extra`` as it came."""
    known: dict[str, str] = {}
    extra: dict[str, str] = {}
    for key, value in values.items():
        name = _NAME_OF_ALIAS.get(normalized_key(key))
        value = value.strip()
        if not value:
            continue
        started_at = name == "started_at" and _date(value) is None
        if name is None or name in known or started_at:
            extra[key] = value
        else:
            known[name] = value
    agent_parts = {name: value for name, value in known.items() if name.startswith("agent_")}
    return CallMetadata(
        call_id=known.get("call_id"),
        caller_id=known.get("caller_id"),
        called_number=known.get("called_number"),
        company_name=known.get("company_name"),
        agent=_agent(agent_parts) if agent_parts else None,
        started_at=_date(known.get("started_at", "")),
        extra=extra,
    )


def _agent(parts: Mapping[str, str]) -> AgentIdentity:
    first, _, last = parts.get("agent_name", "").partition(" ")
    return AgentIdentity(
        id=parts.get("agent_id"),
        first_name=parts.get("agent_first_name", first) or None,
        last_name=parts.get("agent_last_name", last.strip()) or None,
        email=parts.get("agent_email"),
        phone=parts.get("agent_phone"),
    )


def _date(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
