"""Ranked search over the tools, by the words of users.

Each word of a query counts once, by the best of what it can mean: itself, what the synonyms say, or the known word it
misspells. Names and synonyms weigh most, so that rewording a description hardly moves a result. Everything is plain
arithmetic over tables that are built at the first search.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from taskip_mcp.schemas import ToolEntry

MOST = 10
"""Tools that one search shows at most."""
LONGEST = 500
"""Characters of a query that are looked at."""

NAME, VERB, HINT, GROUP, DESCRIPTION, PARAMETER = 3.0, 2.7, 1.6, 1.0, 0.4, 0.3
"""What a word weighs by where it stands."""
SYNONYM, TYPO, PROPER = 0.8, 0.7, 0.5
"""What is left of it for a synonym, a misspelt word, and a word that may be part of somebody's name."""
UNASKED = 0.8
"""What a word of a name takes away that nobody asked for: of two siblings the plainer one is meant."""
ORDER = 1.0
"""What it gives that a query begins with the verb of the tool, as orders do: "book ..."."""
NAMED = 4.0
"""What it gives that all words of the tool's name are said."""
PLURAL = 0.8
"""What it gives that both speak of several: "our funnels" are a list."""

STOPWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a also an and are as at be by called can could do does for from had has have her him his i if in into is it its
        just like me my named need of on or our please s she so some still t than that the their them then there they
        this those titled to too up us want was we were will with would you your
        """,
    )
)
QUOTED = re.compile(r"(?<!\w)(['\"\u201c\u2018])[^'\"\u201d\u2019]{1,80}['\"\u201d\u2019](?!\w)")
ADDRESS = re.compile(r"\S+@\S+|https?://\S+|\b[\w-]+\.(?:example|com|org|net|io|de)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A tool and how well it fits; only the order of scores means anything."""

    entry: ToolEntry
    score: float


def stem(word: str) -> str:
    """The word without plural and tense, lightly: both sides go through it, so it need not be English."""
    for ending, least in (("ing", 6), ("ed", 5), ("ies", 5), ("es", 5), ("s", 4)):
        if len(word) >= least and word.endswith(ending) and not word.endswith(("ss", "us")):
            word = word.removesuffix(ending) + ("y" if ending == "ies" else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def plural(word: str) -> bool:
    """Whether it looks like several."""
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def plain(text: str) -> str:
    """Small letters without accents."""
    return "".join(
        sign for sign in unicodedata.normalize("NFKD", text).lower() if not unicodedata.combining(sign)
    )


def words(text: str) -> list[str]:
    """The words of a text, in small letters and without accents."""
    return re.findall(r"[a-z0-9]+", plain(text))


def deletions(word: str) -> Iterator[str]:
    """The word, and what is left of it without one letter: two words that share one are a slip apart."""
    yield word
    for at in range(1, len(word)):  # few people miss the first letter
        yield word[:at] + word[at + 1 :]


@dataclass(frozen=True, slots=True)
class Asked:
    """A word of a query: the stems it may stand for, with how surely it does.

    Beside them, whether it speaks of several, and whether it comes first.
    """

    meanings: Mapping[str, float]
    plural: bool
    first: bool


@dataclass
class Index:
    """The tables of a search."""

    entries: Sequence[ToolEntry]
    weights: list[dict[str, float]] = field(default_factory=lambda: list[dict[str, float]]())
    """Per tool: what each stem weighs."""
    names: list[frozenset[str]] = field(default_factory=lambda: list[frozenset[str]]())
    """Per tool: the stems of its name."""
    plurals: list[frozenset[str]] = field(default_factory=lambda: list[frozenset[str]]())
    """Per tool: those of them that are plural."""
    verbs: list[str] = field(default_factory=lambda: list[str]())
    rarity: dict[str, float] = field(default_factory=lambda: dict[str, float]())
    meanings: dict[str, dict[str, float]] = field(default_factory=lambda: dict[str, dict[str, float]]())
    """Stem of a user's word -> stems of the tools' words, and how surely it means them."""
    slips: dict[str, list[str]] = field(default_factory=lambda: dict[str, list[str]]())
    phrases: list[tuple[re.Pattern[str], str]] = field(
        default_factory=lambda: list[tuple[re.Pattern[str], str]]()
    )

    def __post_init__(self) -> None:
        from taskip_mcp.synonyms import HINTS, PHRASES, VERBS, WORDS

        for entry in self.entries:
            self.weights.append(_weights(entry, HINTS.get(entry.name, "")))
            parts = entry.name.split("_")
            self.names.append(frozenset(map(stem, parts)))
            self.verbs.append(stem(parts[0]))
            self.plurals.append(frozenset(stem(part) for part in parts if plural(part)))
        seen = Counter(each for weights in self.weights for each in weights)
        count = len(self.entries)
        self.rarity = {each: math.log(1 + (count + 0.5) / (times + 0.5)) for each, times in seen.items()}
        # Whether one or many are to be read: which of the two is rarer says nothing of the wish.
        self.rarity["get"] = self.rarity.get("list", 0.0)
        self._learn([*WORDS.items(), *VERBS.items()])
        for word in sorted({*seen, *self.meanings}):
            for rest in deletions(word) if len(word) >= 4 else ():
                self.slips.setdefault(rest, []).append(word)
        for phrase in sorted(PHRASES, key=len, reverse=True):
            self.phrases.append((re.compile(rf"\b{phrase}\b"), PHRASES[phrase]))

    def _learn(self, rows: Iterable[tuple[str, str]]) -> None:
        for meant, said in rows:
            for word in said.split():
                self.meanings.setdefault(stem(word), {})[stem(meant)] = SYNONYM

    def meaning(self, word: str) -> dict[str, float]:
        """Stems that a word of a query stands for."""
        known = stem(word)
        found = {**self.meanings.get(known, {})}
        if known in self.rarity:
            found[known] = 1.0
        if found or len(word) < 4:
            return found
        near = {each for rest in deletions(known) for each in self.slips.get(rest, ())}
        for each in near:
            for meant, sure in {each: 1.0, **self.meanings.get(each, {})}.items():
                found[meant] = max(found.get(meant, 0.0), sure * TYPO)
        return found

    def asked(self, query: str) -> list[Asked]:
        """What each word of a query can mean."""
        text = query[:LONGEST]
        bare = QUOTED.sub(" ", ADDRESS.sub(" ", text))
        text = bare if words(bare) else text
        # A capital inside a sentence: often a name, which is data and no wish.
        names = {plain(word) for word in re.findall(r"(?<=[a-z,:] )[A-Z]\w+", text)}
        flat = " ".join(words(text))
        for phrase, meant in self.phrases:
            flat = phrase.sub(meant, flat)
        found: list[Asked] = []
        for at, word in enumerate(dict.fromkeys(flat.split())):
            if word not in STOPWORDS and (meanings := self.meaning(word)):
                part = PROPER if word in names else 1.0
                meant = {each: sure * part for each, sure in meanings.items()}
                found.append(Asked(meant, plural(word), at == 0))
        return found

    def find(self, query: str, limit: int = 5) -> list[Found]:
        """The tools that fit best, best first; of equals the first in the order of the tools."""
        asked = self.asked(query)
        scored = (Found(entry, self._score(at, asked)) for at, entry in enumerate(self.entries))
        fitting = [each for each in scored if each.score > 0]
        return sorted(fitting, key=lambda each: -each.score)[: max(1, min(limit, MOST))]

    def _score(self, at: int, asked: Sequence[Asked]) -> float:
        """What the words bring, less what the name has beside them."""
        weights, total = self.weights[at], 0.0
        met: set[str] = set()
        said: set[str] = set()
        for word in asked:
            here = {each: sure for each, sure in word.meanings.items() if each in weights}
            if here:
                total += max(sure * weights[each] * self.rarity[each] for each, sure in here.items())
                total += PLURAL if word.plural and self.plurals[at] & here.keys() else 0.0
                total += ORDER if word.first and here.get(self.verbs[at]) == 1.0 else 0.0
                met |= here.keys()
                said |= {each for each, sure in here.items() if sure == 1.0}
        total += NAMED if self.names[at] <= said else 0.0
        return max(total - UNASKED * len(self.names[at] - met), total / 100)


def _weights(entry: ToolEntry, hints: str) -> dict[str, float]:
    found: dict[str, float] = {}
    verb, *nouns = entry.name.split("_")
    for weight, source in (
        (PARAMETER, [part for name in entry.inputSchema.get("properties", {}) for part in words(name)]),
        (DESCRIPTION, words(entry.description)),
        (GROUP, entry.group.split("_")),
        (HINT, hints.split()),
        (VERB, [verb]),
        (NAME, nouns),
    ):
        for word in source:
            if word not in STOPWORDS or weight >= HINT:
                found[stem(word)] = max(found.get(stem(word), 0.0), weight)
    return found


def find(entries: Sequence[ToolEntry], query: str, limit: int = 5) -> list[Found]:
    """One search; who searches more than once keeps an `Index`."""
    return Index(entries).find(query, limit)
