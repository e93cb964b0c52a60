"""The prompts. A row is all that there is to one: to add a prompt, add a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from taskip_mcp.prompts import Argument, Given, JsonObject, PromptEntry, Read

CLIENT = Argument("client", "A contact: name, email or id.", "contact")
COMPANY = Argument("company", "A company: name, email or id.", "company")
MONTH = Argument("month", "YYYY-MM. Default: the month of a week ago.")

ROWS = 15
"""Rows of a list that are embedded; the text names the tool that shows the rest."""

PAGES = 4
"""Meeting pages whose bookings are looked at."""

WEEK = timedelta(7)


# --- what is read -----------------------------------------------------------------------------------------


def _client(given: Given) -> list[Read]:
    """The one client that was named; a contact is more exact than its company."""
    one = given.as_argument(contact_id="client") or given.as_argument(company_id="company")
    return [Read("get_client_overview", one)] if one else []


def _onboard(given: Given) -> Sequence[Read]:
    return (
        *_client(given),
        Read("team_member.list", {"status": "active"}),
        Read("meeting.list", {"limit": 10}),
    )


def _overdue(given: Given) -> Sequence[Read]:
    asked = given.as_argument(contact_id="client", company_id="company")
    return (Read("list_overdue_invoices", {"limit": ROWS, **asked}),)


def _month(given: Given) -> Sequence[Read]:
    days: JsonObject = given.as_argument(date_from="from", date_to="to")
    shown = ["invoice_no", "subject", "status", "client", "company", "issue_date", "total"]
    done = ["title", "status", "clients", "ended_at", "completed_tasks", "total_tasks"]
    return (
        Read("invoice.list", {"status": "draft", "limit": ROWS}),
        Read("quotation.list", {"status": "accepted", "limit": ROWS}),
        Read("invoice.list", {**days, "limit": ROWS, "fields": shown}),
        Read(
            "project.list",
            {"status": "completed", "sort": "end_date", "order": "desc", "limit": 10, "fields": done},
        ),
        Read("list_overdue_invoices", {"limit": 5}),
    )


def _tickets(given: Given) -> Sequence[Read]:
    asked: JsonObject = {"sort": "created_at", "order": "asc", **given.as_argument(assigned_to="member")}
    return (
        Read("ticket.list", {"status": "open", "limit": ROWS, **asked}),
        Read("ticket.list", {"status": "in_progress", "limit": 10, **asked}),
        Read("team_member.list", {"status": "active"}),
    )


def _inbox(given: Given) -> Sequence[Read]:
    asked: JsonObject = {"sort": "created_at", "order": "desc", **given.as_argument(assigned_to="member")}
    return (
        Read("inbox.list", {"status": "unread", "limit": ROWS, **asked}),
        Read("inbox.get_email_address"),
    )


def _projects(given: Given) -> Sequence[Read]:
    one, member = given.as_argument(project_id="project"), given.as_argument(assigned_to="member")
    if one:
        return (
            Read("project.get", one),
            Read("task.list", {"is_completed": False, **one, **member}),
            Read("project.activity", {"limit": ROWS, **one}),
        )
    shown = ["title", "status", "ended_at", "project_managers", "completed_tasks", "total_tasks"]
    tasks = ["title", "due_date", "assignees", "project", "project_uuid"]
    since = (given.today - WEEK).isoformat()
    return (
        Read("project.list", {"status": "active", "limit": ROWS, "fields": shown, **member}),
        Read("project.all_tasks", {"is_completed": False, "limit": 25, "fields": tasks, **member}),
        Read("project.dashboard_activity", {"from_date": since, "limit": ROWS}),
    )


def _pipelines(given: Given) -> Sequence[Read]:
    one = given.as_argument(pipeline_id="pipeline")
    shown = [
        "deal_name",
        "deal_stage_id",
        "client",
        "deal_owner",
        "deal_amount",
        "closing_date",
        "created_at",
    ]
    deals = Read("deal.list", {"status": "active", "limit": 25, "fields": shown, **one})
    return (Read("get_pipeline_summary", one), *([deals] if one else []))


def _meeting(given: Given) -> Sequence[Read]:
    one = given.as_argument(meeting_id="meeting")
    client = _client(given)
    if one:
        return (*client, Read("meeting.get", one), _bookings(one["meeting_id"], given, 10))
    if client:
        return client

    def then(pages: JsonObject) -> list[Read]:
        """The bookings of the pages that have most: no list shows those of all."""
        rows: list[JsonObject] = [row for row in pages["items"] if row.get("uuid")]
        rows.sort(key=_booked, reverse=True)
        return [_bookings(row["uuid"], given, 5) for row in rows[:PAGES]]

    return (Read("meeting.list", {"limit": 10}, then),)


def _booked(page: JsonObject) -> int:
    count = page.get("booking_count")
    return count if isinstance(count, int) else 0


def _bookings(meeting: Any, given: Given, limit: int) -> Read:
    return Read(
        "meeting.list_bookings",
        {"meeting_id": meeting, "date_from": given.today.isoformat(), "limit": limit},
    )


# --- the prompts ------------------------------------------------------------------------------------------

PROMPTS: tuple[PromptEntry, ...] = (
    PromptEntry(
        "onboard_client",
        "Onboard a client",
        "Set up a new client: records, project with first tasks, offer, kick-off.",
        needs=("create_contact",),
        arguments=(
            Argument("client", "Name or email; an existing contact also by id.", "contact", may_be_new=True),
            Argument("company", "The client's company.", "company", may_be_new=True),
            Argument("agreed", "What was agreed, in words: services, price, dates, who leads."),
        ),
        reads=_onboard,
        steps=(
            "Ask the user for what is not known yet: name and email, company, what was agreed at which price, when it"
            " starts, who leads it.",
            "Look with {search_everything} for the email and for the company: nobody is to be there twice.",
            "Make the company, if it is missing: {create_company}.",
            "Make the contact, if it is missing: {create_contact} with company_id. invite_client: true mails an"
            " invitation to the portal.",
            "Make the project: {create_project} with client_ids, dates and assignee_ids. notify_client: true mails the"
            " client.",
            "Put the first tasks on its board: {list_tasks} shows the columns, {create_task} takes one, with due date"
            " and assignees.",
            "If a price was agreed, write it down: {create_quotation}. {send_quotation} mails it.",
            "Arrange the kick-off: draft a welcome for {send_message}.",
            "If the client named a time, book it on a meeting page: {book_meeting} mails them.",
            "End with what was made, with ids, and what is open.",
        ),
    ),
    PromptEntry(
        "chase_overdue_invoices",
        "Chase overdue invoices",
        "Draft reminders for unpaid invoices past their due date, by age, and send those that you approve.",
        needs=("list_overdue_invoices",),
        arguments=(CLIENT, COMPANY),
        reads=_overdue,
        steps=(
            "Show what is due by client, oldest first, with days and currency. Never add up currencies.",
            "Before a client is written to, look again whether they paid: {get_invoice}.",
            "Look whether they answered lately: {list_conversations} with their email as search.",
            "Draft one reminder for each client, with all their invoices: friendly up to 30 days, firm up to 60, above"
            " that with a last date and the offer to talk.",
            "Send what the user approves: {send_invoice} with template reminder or overdue and the draft as message.",
            "For several invoices of one client one email will do: {send_message}.",
            "Where the user says that one is paid: {update_invoice_status} with day and method of the payment; paid is"
            " for good.",
            "End with who was written to, who was not and why, and when to look again.",
        ),
    ),
    PromptEntry(
        "month_end_billing",
        "Month-end billing",
        "Find what is to be billed for a month: drafts, accepted quotations, finished work; then make and send the"
        " invoices that you approve.",
        needs=("list_invoices",),
        arguments=(MONTH,),
        reads=_month,
        steps=(
            "Check the drafts: client, items, total, due date. {get_invoice} shows one whole.",
            "Find accepted quotations without an invoice: {list_invoices} with client_id shows what the client got.",
            "Turn those into invoices: {convert_quotation}. A second call makes a second invoice.",
            "Find finished projects that no invoice of the client is about, ask the user what to bill, then"
            " {create_invoice} with the next free number.",
            "Compare with the month before: {list_invoices} with date_from and date_to. What is billed every month and"
            " is missing now? Ask.",
            "What repeats can bill itself: {set_invoice_recurring}.",
            "Show one table of all that is to go out, with client, total and due date.",
            "Send what the user approves: {send_invoice}.",
            "Many at once go out with {bulk_update_invoices}, action send.",
            "End with the totals by currency: billed in the month, sent now, still to bill, overdue.",
        ),
    ),
    PromptEntry(
        "triage_tickets",
        "Triage support tickets",
        "Sort the open tickets by urgency, propose who takes them, draft answers.",
        needs=("list_tickets",),
        arguments=(Argument("member", "Only tickets of this team member: name, email or id.", "member"),),
        reads=_tickets,
        steps=(
            "Order the tickets: first what stops a client's business, then what has waited longest. Group those about"
            " one cause.",
            "Rows show the start of a text; {get_ticket} shows all of it with the replies.",
            "{list_tickets} without status also shows those that are in the queue or wait for a reply.",
            "Who asks, and what else is open with them: {get_client_overview}.",
            "Propose in one table for each: priority, who takes it, answer now or later.",
            "Then do what the user agreed to. Priority: {update_ticket}.",
            "Who takes it: {assign_ticket} mails the team member; only older systems have it.",
            "Draft the answers; {reply_ticket} mails the client.",
            "What is done: {update_ticket_status}.",
            "The same for several: {bulk_update_tickets}.",
            "End with what is left, by person.",
        ),
    ),
    PromptEntry(
        "triage_inbox",
        "Triage the inbox",
        "Sort the unread conversations: what to answer, what is a ticket, what is a lead.",
        needs=("list_conversations",),
        arguments=(
            Argument("member", "Only conversations of this team member: name, email or id.", "member"),
        ),
        reads=_inbox,
        steps=(
            "Sort each conversation: client with a question, support case, new lead, invoice or payment, press and"
            " others, advertising.",
            "Find out who writes, by the address alone and not by the name: {list_contacts} with it as search.",
            "What is open with a client: {get_client_overview}.",
            "Propose in one table what to do with each. Full threads cannot be read: say where the start of a text is"
            " not enough.",
            "Draft the answers; {reply_conversation} mails them.",
            "Support cases: {create_ticket} with the sender's words.",
            "Leads: {create_contact}.",
            "Then a deal: {list_stages} shows the stages, {create_deal} takes one.",
            "Mark what was sorted: {assign_conversation_tags}.",
            "End with what waits for the user.",
        ),
    ),
    PromptEntry(
        "weekly_project_review",
        "Weekly project review",
        "Go through projects and tasks: what moved, what is late, who has too much, what comes next week.",
        needs=("list_projects", "list_tasks"),
        arguments=(
            Argument("project", "Only this one: title or id. Default: all active ones.", "project"),
            Argument("member", "Only what this team member has: name, email or id.", "member"),
        ),
        reads=_projects,
        steps=(
            "Say for each project: share of tasks done, days to its end, what happened in the last week, on track or"
            " not and why.",
            "List late tasks and those of the next 7 days by person; name tasks without a day or an assignee.",
            "Where this is not all: {list_projects} shows projects of any status.",
            "Further tasks: {list_all_tasks}.",
            "The board of one project: {list_tasks}.",
            "What was done and said in one: {list_project_activities}.",
            "Propose changes in one table: new dates, other people, what to drop.",
            "Then do what the user agreed to: {update_task}.",
            "Finished ones: {complete_task}.",
            "New ones: {create_task}.",
            "Projects that rest or are done: {update_project_status}.",
            "If the user wants it, draft an update for each client; {create_discussion} posts it where clients may see"
            " it.",
            "End with a summary of five lines that can be forwarded.",
        ),
    ),
    PromptEntry(
        "pipeline_review",
        "Pipeline review",
        "Review the deals of the sales pipelines: by stage, late ones, what to do next.",
        needs=("get_pipeline_summary",),
        arguments=(
            Argument("pipeline", "Only this one: title or id. Default: all active ones.", "pipeline"),
        ),
        reads=_pipelines,
        steps=(
            "Sum up each pipeline: open by stage, won, lost, closing this month. Never add up currencies.",
            "Name deals past their closing date or without one, and stages in which many wait.",
            "The deals one by one: {list_deals}.",
            "Notes and contact of one: {get_deal}.",
            "What else is open with the client: {get_client_overview}.",
            "Propose the next step of each deal that needs one, in one table: who, what, by when.",
            "Then do what the user agreed to. New day or amount: {update_deal}.",
            "Another stage: {move_deal}.",
            "What was talked about: {add_deal_note}.",
            "Won or lost: {bulk_update_deals}.",
            "A message to a client: draft it for {send_message}.",
            "End with the forecast of this month by currency, and what it depends on.",
        ),
    ),
    PromptEntry(
        "prepare_meeting",
        "Prepare a meeting",
        "Write a briefing for the next booked meeting: who comes, what is open with them, what to talk about.",
        needs=("list_meeting_bookings",),
        arguments=(
            Argument(
                "meeting", "The meeting page: title or id. Default: the next bookings of all.", "meeting"
            ),
            CLIENT,
            COMPANY,
        ),
        reads=_meeting,
        steps=(
            "Take the next booking, or ask which one is meant. {list_meeting_bookings} shows others.",
            "Find out who comes, by the address and not by the name: {list_contacts} with it as search. Whoever is in"
            " no list is a new lead.",
            "What is open with them: {get_client_overview}.",
            "Tickets in which they wait for an answer: {get_ticket}.",
            "How their project stands: {list_tasks}.",
            "Write a briefing of one page: time with zone and place, people, what they want by their own answers, open"
            " invoices, offers, tickets, projects and deals, delicate points.",
            "Add an agenda with minutes, questions to ask, and what to decide.",
            "After the meeting, what was agreed becomes tasks: {create_task}.",
            "Or a note on the deal: {add_deal_note}.",
        ),
    ),
)
