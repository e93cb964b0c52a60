"""What the gate demands before a consequence: `TASKIP_CONFIRM`, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from taskip_mcp.operation import Consequence


class Mode(IntEnum):
    """How a call is confirmed; the greater is the stricter, and of several consequences the strictest counts."""

    OFF = 0
    FLAG = 1
    STRICT = 2
    HUMAN = 3

    @property
    def word(self) -> str:
        """As it is written in the setting."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Policy:
    """`ask`: whether a client that can ask the person is made to, under ``flag`` and ``strict``."""

    default: Mode = Mode.FLAG
    classes: Mapping[Consequence, Mode] = field(default_factory=lambda: dict[Consequence, Mode]())
    ask: bool = True

    def mode(self, found: Iterable[Consequence]) -> Mode:
        """What these consequences demand."""
        return max((self.classes.get(each, self.default) for each in found), default=Mode.OFF)

    def uses(self, mode: Mode, found: Iterable[str]) -> bool:
        """Whether any of these consequences demands just this."""
        return any(self.mode([Consequence(each)]) is mode for each in found)

    @property
    def open(self) -> list[str]:
        """Classes that need no confirmation at all, for the announcements."""
        return [each.value for each in Consequence if self.mode([each]) is Mode.OFF]

    @property
    def words(self) -> str:
        """The policy as it would be written in the setting."""
        apart = [f"{each}={mode.word}" for each, mode in sorted(self.classes.items()) if mode != self.default]
        return ",".join([self.default.word, *apart, *([] if self.ask else ["ask=never"])])

    def locked(self) -> Policy:
        """The preset of `TASKIP_LOCKDOWN`: everything with a consequence needs a person."""
        return replace(self, default=Mode.HUMAN, classes={})


def parse(text: str) -> Policy:
    """``flag,send=human,money=strict,ask=never`` -> `Policy`; raises `ValueError` with what it takes."""
    policy = Policy()
    classes: dict[Consequence, Mode] = {}
    for part in filter(None, (each.strip() for each in text.lower().split(","))):
        name, sign, word = (each.strip() for each in part.partition("="))
        if not sign:
            if part != text.lower().split(",")[0].strip():
                raise ValueError(
                    f"{name} stands alone: the first part is for all classes, others are class=mode"
                )
            policy = replace(policy, default=_mode(name))
        elif name == "ask":
            if word not in {"never", "first"}:
                raise ValueError("ask takes never or first")
            policy = replace(policy, ask=word == "first")
        else:
            if _class(name) in classes:
                raise ValueError(f"{name} is there twice")
            classes[_class(name)] = _mode(word)
    return replace(policy, classes=classes)


def _mode(word: str) -> Mode:
    modes = {mode.word: mode for mode in Mode}
    if word not in modes:
        raise ValueError("use flag, strict, human or off, and apart from that class=mode, such as send=human")
    return modes[word]


def _class(name: str) -> Consequence:
    try:
        return Consequence(name)
    except ValueError:
        raise ValueError(f"{name} is no class; the classes are {', '.join(Consequence)}") from None
