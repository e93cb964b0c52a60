"""The environment, read once into one frozen `Settings`; no other module reads a variable.

`VARIABLES` describes each variable once; the table in the README is generated from it.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import platformdirs

from taskip_mcp import policy
from taskip_mcp.errors import ConfigError
from taskip_mcp.policy import Policy

RouteSet = Literal["auto", "reference", "guide"]
AFTER_WAIT = 35.0
"""Seconds of a call's default deadline beside its longest wait: desktop clients cut a call at about 60 in all."""
LEAST_DEADLINE = 15.0
LEAST_KEY = 32
"""Characters of a key that seals confirmations."""
IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\](:\d+)?")
LIVE_URL = "https://public-api.taskip.net/api/public-v1"


@dataclass(frozen=True)
class Settings:
    """What the server was told. Secrets never appear in a repr."""

    secret_key: str = field(default="", repr=False)
    base_url: str = LIVE_URL
    sandbox: bool = False
    routes: RouteSet = "auto"
    timeout: float = 30.0
    log_level: str = "WARNING"
    limit_minute: int = 100
    limit_hour: int = 1000
    limit_uploads: int = 50
    limit_quotation_sends: int = 10
    max_wait: float = 20.0
    deadline: float = 0.0
    connections: int = 8
    rate_store: str = field(default="sqlite", repr=False)  # an address may hold a password
    confirm: Policy = field(default_factory=Policy)
    confirm_key: str = field(default="", repr=False)
    ask_timeout: float = 300.0
    lockdown: bool = False
    journal_days: int = 90
    state_dir: Path = Path()
    files_dir: Path = Path()
    upload_roots: tuple[Path, ...] = ()

    @property
    def backend(self) -> str:
        """`sandbox` or `live`, as shown to the caller."""
        return "sandbox" if self.sandbox else "live"

    @property
    def state_folder(self) -> Path | None:
        """Where state lies; None keeps it in memory, where the embedded TaskIP lives and dies as well."""
        return None if self.sandbox or self.state_dir == Path() else self.state_dir

    @property
    def policy(self) -> Policy:
        """What the gate demands."""
        return self.confirm.locked() if self.lockdown else self.confirm

    @property
    def call_deadline(self) -> float:
        """Seconds that one tool call may take, waiting included."""
        return self.deadline or self.max_wait + AFTER_WAIT


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


def default_state_dir() -> Path:
    """The user's state directory of this operating system."""
    return Path(platformdirs.user_state_dir("taskip-mcp", appauthor=False))


def default_files_dir() -> Path:
    """`files` in the user's data directory of this operating system."""
    return Path(platformdirs.user_data_dir("taskip-mcp", appauthor=False)) / "files"


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
        "Seconds that a call may wait for the rate limit; one that would wait longer is refused at once, unsent.",
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

NO_KEY = (
    "TASKIP_SECRET_KEY is not set. Make a key in TaskIP under Settings > API Application (keys expire after a year"
    " by default) and put it into the environment of this command, or set TASKIP_SANDBOX=1 to try the embedded"
    " TaskIP, which needs no key."
)


def load(environment: Mapping[str, str], *, need_key: bool = True) -> Settings:
    """Read `environment`; raises `ConfigError` that names the variable and what it takes.

    An empty variable counts as unset: desktop clients pass empty strings for fields left blank.
    """
    values: dict[str, Any] = {"files_dir": default_files_dir(), "state_dir": default_state_dir()}
    for variable in VARIABLES:
        text = environment.get(variable.name, "").strip()
        if text:
            values[variable.attribute] = _parse(variable, text)
    settings = Settings(**values)
    if need_key and not settings.sandbox and not settings.secret_key:
        raise ConfigError(NO_KEY)
    return settings


def unknown() -> list[str]:
    """Variables of this process that look like ours and are none: a misspelt one would leave its default in force."""
    known = {variable.name for variable in VARIABLES}
    return sorted(name for name in os.environ if name.startswith("TASKIP_") and name not in known)


def from_process(*, need_key: bool = True) -> Settings:
    """`load` from this process's environment."""
    return load(os.environ, need_key=need_key)


def without_taskip() -> dict[str, str]:
    """This process's environment without our variables, for a child that must not reach a real account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TASKIP_")}


def _parse(variable: Variable, text: str) -> Any:
    try:
        return variable.parse(text)
    except ValueError as error:
        # The value itself is left out: it may be a key that landed in the wrong variable.
        kinds = {"could not": "use a number", "invalid literal": "use a whole number"}
        detail = next((words for start, words in kinds.items() if str(error).startswith(start)), str(error))
        raise ConfigError(f"{variable.name} is not usable: {detail}.") from None
