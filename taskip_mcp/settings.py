"""The environment, read once into one frozen `Settings`; no other module reads a variable.

What variables there are is described in `taskip_mcp.variables`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from taskip_mcp.errors import ConfigError
from taskip_mcp.policy import Policy
from taskip_mcp.variables import LIVE_URL as LIVE_URL
from taskip_mcp.variables import VARIABLES, Variable
from taskip_mcp.variables import is_loopback as is_loopback

RouteSet = Literal["auto", "reference", "guide"]
ToolMode = Literal["tools", "search"]
AFTER_WAIT = 35.0
"""Seconds of a call's default deadline beside its longest wait: desktop clients cut a call at about 60 in all."""


@dataclass(frozen=True)
class Settings:
    """What the server was told. Secrets never appear in a repr."""

    secret_key: str = field(default="", repr=False)
    base_url: str = LIVE_URL
    sandbox: bool = False
    routes: RouteSet = "auto"
    toolsets: tuple[str, ...] = ()  # none given: all, unless `tools` names some
    tools: tuple[str, ...] = ()
    exclude_tools: tuple[str, ...] = ()
    read_only: bool = False
    mode: ToolMode = "tools"
    structured: bool = False
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
    webhook_secret: str = field(default="", repr=False)
    ask_timeout: float = 300.0
    lockdown: bool = False
    journal_days: int = 90
    events_days: int = 30
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
    def hears(self) -> bool:
        """Whether events can come: by webhook, or from the embedded TaskIP."""
        return self.sandbox or bool(self.webhook_secret)

    @property
    def policy(self) -> Policy:
        """What the gate demands."""
        return self.confirm.locked() if self.lockdown else self.confirm

    @property
    def call_deadline(self) -> float:
        """Seconds that one tool call may take, waiting included."""
        return self.deadline or self.max_wait + AFTER_WAIT


def default_state_dir() -> Path:
    """The user's state directory of this operating system."""
    import platformdirs

    return Path(platformdirs.user_state_dir("taskip-mcp", appauthor=False))


def default_files_dir() -> Path:
    """`files` in the user's data directory of this operating system."""
    import platformdirs

    return Path(platformdirs.user_data_dir("taskip-mcp", appauthor=False)) / "files"


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
