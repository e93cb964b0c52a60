"""Declaring endpoints of the sandbox, and finding the one that a request means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from taskip_mcp.sandbox import rules, shapes
from taskip_mcp.sandbox.rules import Fields
from taskip_mcp.sandbox.store import Row, Store

BASE = "/api/public-v1"
Docs = Literal["both", "reference", "guide", "swagger"]
RouteSet = Literal["both", "reference", "guide"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart request."""

    field: str
    name: str
    content: bytes
    type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers: JSON, or bytes with a content type."""

    payload: Any = None
    status: int = 200
    content_type: str = "application/json"
    filename: str = ""


@dataclass
class Call:
    """One request, as an endpoint sees it."""

    store: Store
    method: str
    path: str
    docs: Docs
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Fields
    files: Sequence[Upload] = ()

    @property
    def now(self) -> datetime:
        """The sandbox's present."""
        return self.store.now

    @property
    def url(self) -> str:
        """This request's address without its query, for page links."""
        return f"https://public-api.taskip.net{BASE}{self.path}"

    def valid(self, declared: Mapping[str, str], *, itself: int | None = None) -> Fields:
        """The validated body; see `rules.validate`."""
        return rules.validate(self.body, declared, self.store, itself=itself)

    def find(self, kind: str, model: str, key: Any = None, *, parent: int | None = None) -> Row:
        """The record that the path's ``{id}`` (or `key`, an id or uuid) names, or a 404 in Laravel's words."""
        wanted = self.params.get("id") if key is None else key
        row = self.store.get(kind, wanted)
        if row is None or (parent is not None and row["parent"] != parent):
            raise rules.missing(model, wanted)
        return row

    def page(
        self, rows: Sequence[Row], present: Callable[[Row], Row], *, default: int = 50, **meta: Any
    ) -> Row:
        """A Laravel page of `rows`; `meta` adds keys to its meta."""
        return shapes.laravel_page(rows, self.query, present, url=self.url, default=default, meta=meta)

    def plain(self, rows: Sequence[Row], present: Callable[[Row], Row], *, default: int = 50) -> list[Row]:
        """The asked page of `rows`, for lists that answer without counters."""
        return [present(row) for row in shapes.window(rows, self.query, default)[0]]


class Endpoint(Protocol):
    """A function that answers a call: an `Answer`, or the JSON payload of a 200."""

    def __call__(self, call: Call) -> Any: ...


@dataclass(frozen=True, slots=True)
class Route:
    """Method and path template of an endpoint, and the document that has it."""

    method: str
    path: str
    docs: Docs
    endpoint: Endpoint

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches the path; the placeholders are named groups."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path))

    def served(self, routes: RouteSet) -> bool:
        """Whether a sandbox with this route set has the route."""
        return routes == "both" or self.docs in {"both", routes}


ROUTES: list[Route] = []


def route(*specs: str) -> Callable[[Endpoint], Endpoint]:
    """Declare an endpoint: ``"GET /contact/{id}"``, or ``"guide GET /support-ticket/{id}"`` for one document's."""

    def register(endpoint: Endpoint) -> Endpoint:
        for spec in specs:
            *docs, method, path = spec.split()
            ROUTES.append(Route(method, path, docs[0] if docs else "both", endpoint))  # type: ignore[arg-type]
        return endpoint

    return register


class Table:
    """The routes of one sandbox."""

    def __init__(self, routes: RouteSet) -> None:
        served = [each for each in ROUTES if each.served(routes)]
        # Literal segments win over placeholders, as the backend's order of declaration has it.
        self._routes = [
            (each, each.pattern) for each in sorted(served, key=lambda each: each.path.count("{"))
        ]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and the path's parameters, or a 404 or 405 in Laravel's words."""
        hits = [(each, found) for each, pattern in self._routes if (found := pattern.fullmatch(path))]
        for each, found in hits:
            if each.method == method:
                return each, found.groupdict()
        name = f"{BASE}{path}".lstrip("/")
        if not hits:
            raise rules.Problem(404, {"message": f"The route {name} could not be found."})
        allowed = ", ".join(sorted({each.method for each, _ in hits}))
        words = f"The {method} method is not supported for route {name}. Supported methods: {allowed}."
        raise rules.Problem(405, {"message": words}, {"Allow": allowed})

    def listed(self) -> list[tuple[str, str, Docs]]:
        """(method, path, document) of every route."""
        return [(each.method, each.path, each.docs) for each, _ in self._routes]
