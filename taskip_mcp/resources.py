"""Resources: the reads of TaskIP under ``taskip://`` addresses, as templates. Plain data and plain functions.

Variables of an address are the arguments of the operation that reads it, under the same names. ``page=all`` stands
for every page of a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from taskip_mcp import __version__
from taskip_mcp.errors import UnreadableError, legible
from taskip_mcp.settings import Settings

if TYPE_CHECKING:
    from taskip_mcp.call import Backend
    from taskip_mcp.operation import Operation
    from taskip_mcp.show import Answer
    from taskip_mcp.wire import Page

JSON = "application/json"
PDF = "application/pdf"
ALL = "all"


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    """One template: its address, the contract id of the read behind it, what it shows.

    Behind an answer across groups is no operation but a `tool` of the server.
    """

    uri: str
    contract: str
    name: str
    shows: str
    mime_type: str = JSON
    tool: str = ""

    @property
    def description(self) -> str:
        """What it shows, and for a list with pages how to get them all."""
        return f"{self.shows} page={ALL} reads every page." if self.has_pages else self.shows

    @property
    def has_pages(self) -> bool:
        """Whether the address takes a page."""
        return "page" in self.query_variables

    @property
    def is_template(self) -> bool:
        """Whether the address has variables; without any it is listed as a resource."""
        return "{" in self.uri

    @property
    def path_variables(self) -> tuple[str, ...]:
        """Variables that the address must have."""
        return tuple(re.findall(r"\{(\w+)\}", self.uri))

    @property
    def path(self) -> re.Pattern[str]:
        """What its addresses are like before their query."""
        parts = re.split(r"\{\w+\}", self.uri.partition("{?")[0])
        return re.compile("[^/]+".join(map(re.escape, parts)))

    @property
    def query_variables(self) -> tuple[str, ...]:
        """Variables that the address may have."""
        return tuple(name for name in self.uri.partition("{?")[2].rstrip("}").split(",") if name)


TEMPLATES: tuple[ResourceEntry, ...] = (
    ResourceEntry("taskip://contacts{?page,limit,search}", "contact.list", "contacts", "Contacts."),
    ResourceEntry("taskip://contacts/{contact_id}", "contact.get", "contact", "One contact."),
    ResourceEntry("taskip://companies{?page,limit,search,status}", "company.list", "companies", "Companies."),
    ResourceEntry("taskip://companies/{company_id}", "company.get", "company", "One company."),
    ResourceEntry(
        "taskip://team-members{?page,limit,search,status}", "team_member.list", "team_members", "Team members."
    ),
    ResourceEntry("taskip://team-members/{member_id}", "team_member.get", "team_member", "One team member."),
    ResourceEntry(
        "taskip://invoices{?page,limit,search,status,date_from,date_to,fields}", "invoice.list", "invoices",
        "Invoices.",
    ),
    ResourceEntry("taskip://invoices/{invoice_id}", "invoice.get", "invoice", "One invoice."),
    ResourceEntry(
        "taskip://invoices/{invoice_id}/pdf", "invoice.download_pdf", "invoice_pdf", "An invoice as PDF.", PDF
    ),
    ResourceEntry("taskip://quotations{?page,limit,search,status}", "quotation.list", "quotations", "Quotations."),
    ResourceEntry("taskip://quotations/{quotation_id}", "quotation.get", "quotation", "One quotation."),
    ResourceEntry(
        "taskip://tickets{?page,limit,search,status,assigned_to,sort,order}", "ticket.list", "tickets",
        "Support tickets.",
    ),
    ResourceEntry("taskip://tickets/{ticket_id}", "ticket.get", "ticket", "One ticket with its latest replies."),
    ResourceEntry(
        "taskip://tickets/{ticket_id}/attachments", "ticket.list_attachments", "ticket_attachments",
        "Files of a ticket.",
    ),
    ResourceEntry(
        "taskip://ticket-analytics{?period,group_by}", "ticket.analytics", "ticket_analytics", "Ticket figures."
    ),
    ResourceEntry("taskip://documents{?page,limit,search}", "document.list", "documents", "Documents."),
    ResourceEntry("taskip://documents/{document_id}", "document.get", "document", "One document's metadata."),
    ResourceEntry(
        "taskip://documents/{document_id}/pdf", "document.download", "document_pdf", "A document as PDF.", PDF
    ),
    ResourceEntry(
        "taskip://projects{?page,limit,search,status,assigned_to,sort,order,fields}", "project.list", "projects",
        "Projects.",
    ),
    ResourceEntry("taskip://projects/{project_id}", "project.get", "project", "One project."),
    ResourceEntry(
        "taskip://projects/{project_id}/board{?assigned_to,is_completed}", "task.list", "project_board",
        "The board: columns with their tasks.",
    ),
    ResourceEntry(
        "taskip://projects/{project_id}/activity{?page,limit}", "project.activity", "project_activity",
        "What happened in a project.",
    ),
    ResourceEntry(
        "taskip://activity{?limit,from_date}", "project.dashboard_activity", "activity", "What happened lately."
    ),
    ResourceEntry(
        "taskip://tasks{?limit,assigned_to,is_completed,fields}", "project.all_tasks", "tasks",
        "Tasks of all projects.",
    ),
    ResourceEntry("taskip://projects/{project_id}/tasks/{task_id}", "task.get", "task", "One task."),
    ResourceEntry(
        "taskip://projects/{project_id}/tasks/{task_id}/files", "task_file.list", "task_files", "Files of a task."
    ),
    ResourceEntry(
        "taskip://projects/{project_id}/task-files", "task_file.list_all_task_files", "all_task_files",
        "Files of all tasks of a project.",
    ),
    ResourceEntry(
        "taskip://projects/{project_id}/files", "task_file.list_project_files", "project_files", "Files of a project."
    ),
    ResourceEntry(
        "taskip://projects/{project_id}/discussions", "discussion.list", "discussions", "Discussion of a project."
    ),
    ResourceEntry(
        "taskip://projects/{project_id}/discussions/files", "discussion.list_files", "discussion_files",
        "Files of a project's discussion.",
    ),
    ResourceEntry(
        "taskip://project-attributes{?search}", "project_attribute.list", "project_attributes",
        "Tags, categories, priorities and labels.",
    ),
    ResourceEntry("taskip://pipelines{?page,limit,search,status}", "pipeline.list", "pipelines", "Sales pipelines."),
    ResourceEntry("taskip://pipelines/{pipeline_id}", "pipeline.get", "pipeline", "One pipeline with its stages."),
    ResourceEntry("taskip://pipelines/{pipeline_id}/stages", "stage.list", "stages", "Stages with their deals."),
    ResourceEntry(
        "taskip://pipelines/{pipeline_id}/deals{?page,limit,search,status,fields}", "deal.list", "deals", "Deals."
    ),
    ResourceEntry("taskip://pipelines/{pipeline_id}/deals/{deal_id}", "deal.get", "deal", "One deal."),
    ResourceEntry("taskip://meetings{?page,limit,status}", "meeting.list", "meetings", "Bookable meeting pages."),
    ResourceEntry("taskip://meetings/{meeting_id}", "meeting.get", "meeting", "One meeting page."),
    ResourceEntry(
        "taskip://meetings/{meeting_id}/bookings{?page,limit,search,status,date_from}", "meeting.list_bookings",
        "bookings", "Bookings of a meeting page.",
    ),
    ResourceEntry(
        "taskip://meetings/{meeting_id}/bookings/{booking_id}", "meeting.get_booking", "booking", "One booking."
    ),
    ResourceEntry(
        "taskip://conversations{?page,limit,search,status,assigned_to,sort,order}", "inbox.list", "conversations",
        "Inbox conversations.",
    ),
    ResourceEntry("taskip://inbox-address", "inbox.get_email_address", "inbox_address", "Address of the inbox."),
    ResourceEntry(
        "taskip://client-overview{?contact_id,company_id}", "", "client_overview", "What is open with one client.",
        tool="get_client_overview",
    ),
    ResourceEntry(
        "taskip://overdue-invoices{?contact_id,company_id,limit}", "", "overdue_invoices",
        "Unpaid invoices past their due date.", tool="list_overdue_invoices",
    ),
    ResourceEntry(
        "taskip://pipeline-summary{?pipeline_id}", "", "pipeline_summary", "Deals by stage.",
        tool="get_pipeline_summary",
    ),
)  # fmt: skip


EVENTS = ResourceEntry(
    "taskip://events{?since,event,group}",
    "",
    "events",
    "What TaskIP reported by webhook; default: in the last 24 hours.",
)
"""No read of TaskIP: see `taskip_mcp.events.feed.document`."""


def unknown_variable(uri: str) -> str:
    """Words for a query variable that an address does not take, and that would be ignored; empty where it takes all."""
    path, _, query = uri.partition("#")[0].partition("?")
    if not query:
        return ""
    entry = next((each for each in (*TEMPLATES, EVENTS) if each.path.fullmatch(path)), None)
    if entry is None:
        return ""
    given = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    unknown = next((name for name in given if name not in entry.query_variables), "")
    takes = ", ".join(entry.query_variables) or "none"
    return f"This address has no variable {legible(unknown)}. It takes: {takes}." if unknown else ""


async def read(backend: Backend, entry: ResourceEntry, variables: Mapping[str, Any]) -> str | bytes:
    """The content behind an address: JSON text, or the bytes of a PDF.

    A list is the page that was asked for, ``{"items", "returned", "total", "next_page"}``; with ``page=all`` it is
    ``{"items", "returned", "pages", "complete"}``, and ``next_page`` and ``note`` where not all could be read.
    """
    from taskip_mcp import arguments, calls, names, operation
    from taskip_mcp.call import Call
    from taskip_mcp.results import minified

    if entry is EVENTS:
        from taskip_mcp.events import feed

        return await feed.document(backend, variables)
    given = {name: value for name, value in variables.items() if value != ""}
    if entry.tool:
        return minified((await calls.perform(backend, entry.tool, operation.OWN_GROUP, given)).document)
    found = operation.find(entry.contract)
    if entry.has_pages and given.get("page") == ALL:
        return minified((await _every_page(backend, found, given)).document)
    if entry.mime_type != PDF:
        return minified((await calls.perform(backend, found.name, found.group, given)).document)
    values = await names.resolve(backend, found, arguments.validate(found, given))
    file = await Call(backend, found, values)()
    if not isinstance(file.payload, bytes):
        raise UnreadableError("TaskIP answered without a file", operation=entry.contract, status=file.status)
    return file.payload


async def _every_page(backend: Backend, found: Operation, given: Mapping[str, Any]) -> Answer:
    """All rows of a list; each page is one read of its operation, behind the calls that somebody waits for."""
    from taskip_mcp import arguments, confirm, filters, names, pages, show, turn
    from taskip_mcp.wire import Page

    limit = given.get("limit", arguments.strict_schema_of(found)["properties"]["limit"]["maximum"])
    values = arguments.validate(found, {**given, "page": 1, "limit": limit})
    ask = show.Ask.take(found, values)
    values = await names.resolve(backend, found, values)

    async def fetch(number: int) -> Page:
        with turn.background():
            return await confirm.perform(backend, found, values | {"page": number})

    collected = await pages.collect(fetch, size=values["limit"])
    # Where the list ends is told by whole pages, so that rows are left out only now.
    checked = filters.checked(found.contract, values, Page(collected.items))
    kept = replace(collected, items=checked.items, note=checked.note)
    return show.answer(kept, found, ask, whole=True)


def about(settings: Settings, backend: Backend | None, tools: int) -> str:
    """``taskip://about``: what this server is connected to, without secrets."""
    return json.dumps(
        {
            "server": "taskip-mcp",
            "version": __version__,
            "backend": settings.backend,
            "base_url": settings.base_url if not settings.sandbox else "embedded",
            "tools": tools,
            "routes": settings.routes,
            "routes_learned": backend.book.learned if backend else {},
            "gate": {
                "confirm": settings.policy.words,
                "lockdown": settings.lockdown,
                "not_confirmed_at_all": settings.policy.open,
            },
        },
        separators=(",", ":"),
    )
