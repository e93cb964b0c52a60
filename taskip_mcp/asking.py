"""How a client's person is asked: at once before 2026-07-28, with a question that travels with the result since."""

from __future__ import annotations

from typing import Any

from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp_types import ElicitRequestFormParams, ElicitResult

from taskip_mcp import turn
from taskip_mcp.caller import AskError, Caller, Reply

QUESTION = "confirm"
"""Name of the question where it travels with a result."""

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"confirm": {"type": "boolean", "title": "Yes, do this"}},
    "required": ["confirm"],
}
MODERN = "2026-07-28"
"""The first version in which questions travel with results instead of as requests of the server."""


def client_of(context: Any) -> str:
    """What the client calls itself."""
    parameters = context.session.client_params
    return parameters.client_info.name if parameters else ""


def caller_of(context: Context, ask_timeout: float) -> Caller:
    """The client of a call, and how its person is asked, if that is possible."""
    name = client_of(context)
    modern = (context.protocol_version or "") >= MODERN
    if not _can_ask(context, modern):
        return Caller(name, context.report_progress)
    if not modern:

        async def live(question: str, _: str) -> Reply:
            return await _ask(context, question, ask_timeout)

        return Caller(name, context.report_progress, live)

    async def travelling(question: str, state: str) -> Reply:
        raise AskError(question, state)

    given = (context.input_responses or {}).get(QUESTION)
    reply = _reply(given) if isinstance(given, ElicitResult) else None
    return Caller(name, context.report_progress, travelling, reply, context.request_state)


def _can_ask(context: Context, modern: bool) -> bool:
    """Whether the client declared that it shows forms, and a question can reach it.

    Before 2026-07-28 a question is a request of the server, which stateless and JSON-response HTTP cannot carry.
    """
    declared = getattr(context.client_capabilities, "elicitation", None)
    if declared is None or (declared.form is None and declared.url is not None):
        return False
    return modern or context.session.can_send_request


async def _ask(context: Context, question: str, seconds: float) -> Reply:
    """Ask now and wait, for as long as a person may take."""
    with turn.current().clock.move_on_after(seconds):
        try:
            form = form_of(question)
            result = await context.session.elicit_form(
                form.message, form.requested_schema, related_request_id=context.request_id
            )
        except (MCPError, ValueError):  # it refuses the question, or answers with what is no answer
            return Reply("failed")
        return _reply(result)
    return Reply("silent")


def form_of(question: str) -> ElicitRequestFormParams:
    return ElicitRequestFormParams(message=question, requested_schema=FORM)


def _reply(result: ElicitResult) -> Reply:
    """Agreed is only an accepted form with the box ticked: some clients accept without showing anything."""
    ticked = (result.content or {}).get("confirm") is True
    return Reply(result.action, result.action == "accept" and ticked)
