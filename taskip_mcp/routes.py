"""Which of the documented routes is tried, in which order, and what the server's answers teach.

Two documents describe 24 operations differently, and only the live server knows which one is right. A refused
route is followed by the next; what worked is remembered for the whole family, so the question costs one request.
"""

from __future__ import annotations

from collections.abc import Sequence

from taskip_mcp.operation import Operation, Origin, Route
from taskip_mcp.settings import RouteSet


class RouteBook:
    """What is known about the routes of one TaskIP, for the life of the process."""

    def __init__(self, pinned: RouteSet = "auto") -> None:
        self.pinned: RouteSet = pinned
        self._preferred: dict[str, Origin] = {}
        self._refused: set[Route] = set()

    def candidates(self, operation: Operation) -> Sequence[Route]:
        """The routes to try in order: a pinned set alone, else what worked, what is untried, what was refused."""
        if self.pinned != "auto":
            pinned = [route for route in operation.routes if route.origin == self.pinned]
            return pinned or [operation.reference]
        preferred = self._preferred.get(operation.group)
        return sorted(operation.routes, key=lambda route: (route in self._refused, route.origin != preferred))

    def worked(self, operation: Operation, route: Route) -> None:
        """The server knows this route."""
        self._refused.discard(route)
        if len(operation.routes) > 1:
            self._preferred[operation.group] = route.origin

    def refused(self, route: Route) -> None:
        """The server does not know this route."""
        self._refused.add(route)

    @property
    def learned(self) -> dict[str, Origin]:
        """Group -> the document whose routes worked."""
        return dict(self._preferred)
