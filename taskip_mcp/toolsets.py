"""Which tools are offered: groups, profiles and single tools, as the settings select them; and what clients can take.

Pure functions over the entries that the server starts from. The order is theirs and never changes, and neither does
the list while the server runs.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from taskip_mcp import caps
from taskip_mcp.errors import ConfigError
from taskip_mcp.operation import GROUPS, OWN_GROUP
from taskip_mcp.schemas import ToolEntry
from taskip_mcp.settings import Settings

ALL = "all"

WITH_WRITES = ("get_rate_budget", "list_changes", "undo_change")
"""What comes along where something can be written: what was done, how it is taken back, what may still be sent."""

WITH_JOBS = ("list_jobs", "resume_job")
"""What comes along where a call can become a job."""

WITH_WEBHOOKS = ("list_events", "wait_for_event")
"""What comes along where webhooks are taken."""

PROFILES: Mapping[str, tuple[str, ...]] = {
    name: tuple(tools.split())
    for name, tools in {
        # What most people ask for.
        "core": """
            search_everything get_client_overview list_overdue_invoices get_my_day get_pipeline_summary
            list_contacts get_contact create_contact update_contact get_company list_team_members
            list_invoices get_invoice create_invoice send_invoice update_invoice_status
            list_tickets get_ticket reply_ticket update_ticket_status
            list_projects get_project list_tasks get_task create_task update_task complete_task
            list_deals move_deal
            list_conversations reply_conversation send_message
            get_rate_budget list_changes undo_change""",
        # From the first contact to the accepted quotation.
        "sales": """
            search_everything get_client_overview get_pipeline_summary
            list_contacts get_contact create_contact update_contact list_companies get_company create_company
            update_company list_team_members
            list_pipelines get_pipeline list_deals get_deal create_deal update_deal move_deal bulk_update_deals
            add_deal_note
            list_quotations get_quotation create_quotation update_quotation update_quotation_status send_quotation
            convert_quotation
            list_meetings list_meeting_bookings book_meeting send_message
            get_rate_budget list_changes undo_change list_jobs resume_job""",
        # Quotations, invoices, and who has not paid.
        "billing": """
            search_everything get_client_overview list_overdue_invoices
            list_contacts get_contact create_contact update_contact list_companies get_company
            list_invoices get_invoice create_invoice update_invoice update_invoice_status send_invoice delete_invoice
            download_invoice_pdf set_invoice_recurring set_invoice_payment_gateway bulk_update_invoices
            list_quotations get_quotation create_quotation update_quotation update_quotation_status send_quotation
            convert_quotation delete_quotation
            list_projects
            get_rate_budget list_changes undo_change list_jobs resume_job""",
        # Tickets, the shared inbox, and the people who write.
        "support": """
            search_everything get_client_overview get_my_day
            list_tickets get_ticket create_ticket update_ticket update_ticket_status reply_ticket assign_ticket
            delete_ticket bulk_update_tickets upload_ticket_attachments list_ticket_attachments get_ticket_analytics
            list_conversations reply_conversation send_message assign_conversation_tags get_inbox_address
            list_contacts get_contact create_contact update_contact list_companies get_company list_team_members
            list_meetings list_meeting_bookings book_meeting list_projects list_documents
            get_rate_budget list_changes undo_change list_jobs resume_job""",
        # Projects with their boards, talk and papers.
        "delivery": """
            search_everything get_my_day
            list_projects get_project create_project update_project update_project_status list_project_activities
            list_recent_activities list_all_tasks
            list_tasks get_task create_task update_task move_task complete_task update_task_priority delete_task
            add_task_assignee remove_task_assignee add_task_label remove_task_label create_container
            list_project_attributes
            list_task_files attach_task_file list_project_files list_discussions create_discussion
            list_documents get_document create_document download_document
            list_team_members list_contacts
            get_rate_budget list_changes undo_change""",
    }.items()
}
"""Up to 40 tools for a role. The broadest comes first: it is the one to name where nothing is known."""


def select(entries: Sequence[ToolEntry], settings: Settings) -> list[ToolEntry]:
    """The entries to offer, in their order; raises `ConfigError` for names that there are not, or if none is left."""
    names = {entry.name for entry in entries}
    sets = {ALL, OWN_GROUP, *GROUPS, *PROFILES}
    _check("TASKIP_TOOLSETS", settings.toolsets, sets, f"The toolsets are {', '.join(_offered())}.")
    for variable, given in (
        ("TASKIP_TOOLS", settings.tools),
        ("TASKIP_EXCLUDE_TOOLS", settings.exclude_tools),
    ):
        _check(variable, given, names, "The README lists all tools.")
    allowed = [entry for entry in entries if entry.effect == "read" or not settings.read_only]
    chosen = _chosen(allowed, settings) - set(settings.exclude_tools)
    left = [entry for entry in allowed if entry.name in chosen]
    if not left:
        raise ConfigError(
            "No tool is left: TASKIP_TOOLSETS, TASKIP_TOOLS, TASKIP_EXCLUDE_TOOLS and TASKIP_READ_ONLY together"
            " leave none."
        )
    return left


def _chosen(entries: Sequence[ToolEntry], settings: Settings) -> set[str]:
    """Names that the toolsets and the single tools select."""
    sets = settings.toolsets or (() if settings.tools else (ALL,))
    if ALL in sets:
        return {entry.name for entry in entries}
    profiles = {name for each in sets for name in PROFILES.get(each, ())}
    by_sets = [entry for entry in entries if entry.group in sets or entry.name in profiles]
    events = set(WITH_WEBHOOKS if settings.toolsets and settings.hears else ())
    return {entry.name for entry in by_sets} | _companions(by_sets) | events | set(settings.tools)


def _companions(entries: Iterable[ToolEntry]) -> set[str]:
    """What the writes and bulk calls among `entries` bring along."""
    effects = {entry.effect for entry in entries if entry.group != OWN_GROUP} - {"read"}
    return {*(WITH_WRITES if effects else ()), *(WITH_JOBS if "bulk" in effects else ())}


def _offered() -> list[str]:
    return [ALL, *PROFILES, *GROUPS, OWN_GROUP]


def _check(variable: str, given: Iterable[str], known: Collection[str], help_text: str) -> None:
    """Refuse names that are none. One that is like nothing is not repeated: it may be a key in the wrong variable."""
    for place, name in enumerate(given, start=1):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
            what = (
                f"there is no {name}; did you mean {' or '.join(near)}"
                if near
                else f"name {place} is unknown"
            )
            raise ConfigError(f"{variable} is not usable: {what}{'?' if near else '.'} {help_text}")


def warning(client: str, count: int) -> str | None:
    """What to tell the person whose client takes fewer than `count` tools; None if they fit or nothing is known."""
    cap = caps.cap_of(client)
    if cap is None or count <= cap:
        return None
    fitting = [name for name, tools in PROFILES.items() if len(tools) <= cap]
    best, *rest = fitting
    others = ", ".join(rest)
    return (
        f"{caps.name_of(client)} takes {cap} tools and this server offers {count}: some will be missing."
        f" Set TASKIP_TOOLSETS={best} ({len(PROFILES[best])} tools; other profiles: {others}), or TASKIP_MODE=search."
    )
