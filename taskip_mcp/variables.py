"""Every environment variable, described once: `VARIABLES`, from which the table in the README is generated."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from taskip_mcp import policy

LEAST_DEADLINE = 15.0
LEAST_KEY = 32
"""Characters of a key that seals confirmations."""
LONGEST_NAME = 64
IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\](:\d+)?")
LIVE_URL = "https://public-api.taskip.net/api/public-v1"


@dataclass(frozen=True)
class Variable:
    """One environment variable: the setting it fills, its default in words, its meaning, its parser."""

    name: str
    attribute: str
    default: str
    meaning: str
    parse: Callable[[str], Any]


def _switch(text: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if text.lower() not in words:
        raise ValueError("use 1 or 0")
    return words[text.lower()]


def _webhook_secret(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{24,200}", text):
        raise ValueError("use 24 characters or more of letters, digits and ._~-")
    return text


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"use one of {', '.join(allowed)}")
        return text

    return parse


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 600:
        raise ValueError("use seconds above 0 and up to 600")
    return value


def _deadline(text: str) -> float:
    value = _seconds(text)
    if value < LEAST_DEADLINE:
        raise ValueError(
            f"use {LEAST_DEADLINE:g} seconds or more: part of the time is kept to look up what a write did"
        )
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("use a whole number of 1 or more")
    return value


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: ``localhost`` or a loopback address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _base_url(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("it holds characters that an address cannot have")
    parts = urlsplit(text)
    if parts.hostname and ":" in parts.hostname and not IPV6.fullmatch(parts.netloc):
        raise ValueError("use an address such as " + LIVE_URL)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("use an address such as " + LIVE_URL)
    # The key travels in a header: in clear text it may only go to this machine.
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("http:// is for loopback addresses only; use https://")
    _ = parts.port  # raises for a port that there is not
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("leave out user names, queries and fragments")
    return text.rstrip("/")


def _level(text: str) -> str:
    return _choice("DEBUG", "INFO", "WARNING", "ERROR")(text.upper())


def _rate_store(text: str) -> str:
    if text not in {"sqlite", "memory"} and not text.startswith(("redis://", "rediss://")):
        raise ValueError("use sqlite, memory, or an address such as redis://127.0.0.1:6379/0")
    return text


def _ask_timeout(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise ValueError("use seconds from 1 to 3600")
    return value


def _confirm_key(text: str) -> str:
    if len(text) < LEAST_KEY:
        raise ValueError(f"use {LEAST_KEY} characters or more, made at random")
    return text


def _header_safe(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("it holds characters that an API key cannot have")
    return text


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(_folder(part) for part in text.split(os.pathsep) if part)


def _names(text: str) -> tuple[str, ...]:
    """Names separated by commas, as they are written in the code; whether there are such is checked by `toolsets`."""
    names = [part.strip().lower().replace("-", "_") for part in text.split(",")]
    if any(len(name) > LONGEST_NAME or not re.fullmatch("[a-z0-9_]*", name) for name in names):
        raise ValueError("use names separated by commas")
    return tuple(dict.fromkeys(filter(None, names)))


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "TASKIP_SECRET_KEY",
        "secret_key",
        "none; required without the sandbox",
        "API key of the TaskIP workspace, made under Settings > API Application. It gives full access and expires"
        " after one year unless another date was chosen.",
        _header_safe,
    ),
    Variable("TASKIP_BASE_URL", "base_url", f"`{LIVE_URL}`", "Address of the TaskIP API.", _base_url),
    Variable(
        "TASKIP_SANDBOX",
        "sandbox",
        "`0`",
        "`1` answers from the embedded TaskIP with an invented agency; no key, no network.",
        _switch,
    ),
    Variable(
        "TASKIP_ROUTES",
        "routes",
        "`auto`",
        "Where TaskIP's documents differ: `auto` finds out which route lives; `reference` or `guide` pins one set.",
        _choice("auto", "reference", "guide"),
    ),
    Variable(
        "TASKIP_TOOLSETS",
        "toolsets",
        "`all`",
        "Which tools are offered: groups of the API reference (`contact`, `company`, ...) and profiles of 40 tools or"
        " fewer (`core`, `sales`, `billing`, `support`, `delivery`), separated by commas. Where there are writes,"
        " `list_changes`, `undo_change` and `get_rate_budget` come along; where there are bulk calls, `list_jobs` and"
        " `resume_job`; where events can come, `list_events` and `wait_for_event`.",
        _names,
    ),
    Variable(
        "TASKIP_TOOLS",
        "tools",
        "none",
        "Names of tools: alone, just these are offered; with `TASKIP_TOOLSETS`, these as well.",
        _names,
    ),
    Variable(
        "TASKIP_EXCLUDE_TOOLS",
        "exclude_tools",
        "none",
        "Names of tools that are not offered, whatever else selects them.",
        _names,
    ),
    Variable(
        "TASKIP_READ_ONLY",
        "read_only",
        "`0`",
        "`1` offers only tools that read; it wins over everything that selects tools.",
        _switch,
    ),
    Variable(
        "TASKIP_MODE",
        "mode",
        "`tools`",
        "`tools` offers every selected tool; `search` offers three that find and run them (`find_tools`, `read_with`,"
        " `write_with`), for clients that pay for each tool they list.",
        _choice("tools", "search"),
    ),
    Variable(
        "TASKIP_STRUCTURED",
        "structured",
        "`0`",
        "`1` is for programs: results are structured content with an output schema, and the text is one line.",
        _switch,
    ),
    Variable("TASKIP_TIMEOUT", "timeout", "`30`", "Seconds to wait for one answer of TaskIP.", _seconds),
    Variable(
        "TASKIP_LOG_LEVEL",
        "log_level",
        "`WARNING`",
        "`DEBUG`, `INFO`, `WARNING` or `ERROR`, on stderr.",
        _level,
    ),
    Variable(
        "TASKIP_LIMIT_MINUTE", "limit_minute", "`100`", "Requests a minute that the account allows.", _count
    ),
    Variable(
        "TASKIP_LIMIT_HOUR", "limit_hour", "`1000`", "Requests an hour that the account allows.", _count
    ),
    Variable(
        "TASKIP_LIMIT_UPLOADS", "limit_uploads", "`50`", "Uploads an hour that the account allows.", _count
    ),
    Variable(
        "TASKIP_LIMIT_QUOTATION_SENDS",
        "limit_quotation_sends",
        "`10`",
        "Requests a minute that TaskIP allows on its second quotation sender.",
        _count,
    ),
    Variable(
        "TASKIP_MAX_WAIT",
        "max_wait",
        "`20`",
        "Seconds that a call may wait for the rate limit; one that would wait longer is refused at once, unsent. It is"
        " also the longest wait of `wait_for_event`.",
        _seconds,
    ),
    Variable(
        "TASKIP_DEADLINE",
        "deadline",
        "`TASKIP_MAX_WAIT` + 35",
        f"Seconds that one tool call may take in all; {LEAST_DEADLINE:g} or more.",
        _deadline,
    ),
    Variable("TASKIP_CONNECTIONS", "connections", "`8`", "Requests to TaskIP at the same time.", _count),
    Variable(
        "TASKIP_RATE_STORE",
        "rate_store",
        "`sqlite`",
        "Where the requests of a key are counted: `sqlite` in the state directory, for all processes of this machine;"
        " `redis://...` for replicas (with the extra `redis`); `memory` for this process alone.",
        _rate_store,
    ),
    Variable(
        "TASKIP_CONFIRM",
        "confirm",
        "`flag`",
        "How calls with consequences are confirmed: `flag` (`confirm: true`), `strict` (and the `confirm_code` of a"
        " preview of just this call), `human` (a person, asked by the client), `off`. Apart from that per class"
        " (`delete`, `bulk`, `send`, `money`, `access`): `flag,send=human,money=strict`. A client that can ask the"
        " person is made to; `ask=never` leaves that out, but for `human`.",
        policy.parse,
    ),
    Variable(
        "TASKIP_CONFIRM_KEY",
        "confirm_key",
        "derived from the API key",
        f"Secret of {LEAST_KEY} characters or more that seals confirmations; the same for all servers of an account.",
        _confirm_key,
    ),
    Variable(
        "TASKIP_ASK_TIMEOUT",
        "ask_timeout",
        "`300`",
        "Seconds that a person has to answer a question; deadlines wait meanwhile.",
        _ask_timeout,
    ),
    Variable(
        "TASKIP_LOCKDOWN",
        "lockdown",
        "`0`",
        "`1`: everything with a consequence needs a person (`human` for all classes), and messages go only to addresses"
        " that belong to a contact or the conversation.",
        _switch,
    ),
    Variable(
        "TASKIP_JOURNAL_DAYS",
        "journal_days",
        "`90`",
        "Days for which the journal keeps what was changed and what was there before.",
        _count,
    ),
    Variable(
        "TASKIP_WEBHOOK_SECRET",
        "webhook_secret",
        "none",
        "Takes webhooks of TaskIP at `/webhooks/taskip/<secret>`: on `--webhook-port`, or over HTTP without it beside"
        " the protocol. 24 characters or more of letters, digits and `._~-`; TaskIP signs nothing, so the address"
        " is the proof.",
        _webhook_secret,
    ),
    Variable(
        "TASKIP_EVENTS_DAYS", "events_days", "`30`", "Days for which webhooks that came are kept.", _count
    ),
    Variable(
        "TASKIP_STATE_DIR",
        "state_dir",
        "`taskip-mcp` in the user's state directory",
        "Folder of the rate windows and the journal; the files are readable by their owner alone. The embedded"
        " TaskIP keeps its state in memory.",
        _folder,
    ),
    Variable(
        "TASKIP_FILES_DIR",
        "files_dir",
        "`taskip-mcp/files` in the user's data directory",
        "Folder where downloads are saved and from which uploads may be taken.",
        _folder,
    ),
    Variable(
        "TASKIP_UPLOAD_ROOTS",
        "upload_roots",
        "none",
        "Further folders from which uploads may be taken, separated like `PATH`.",
        _folders,
    ),
)
