"""`taskip-mcp demo`: a business day on the embedded TaskIP, through a real client over stdio.

The transcript goes to stdout; every call goes through a server process of its own, as a desktop client starts it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import TextContent

from taskip_mcp import outside, results, settings

Record = dict[str, Any]
WIDTH = 108


class DemoError(Exception):
    """A step did not do what it shows."""


@dataclass
class Day:
    """The client and the transcript."""

    client: Client
    calls: int = 0
    previews: int = 0
    steps: list[str] = field(default_factory=lambda: list[str]())

    async def call(self, tool: str, /, **arguments: Any) -> Record:
        """One tool call, printed with the start of its answer; an error ends the demo."""
        result = await self.client.call_tool(tool, arguments)
        block = result.content[0]
        text = block.text if isinstance(block, TextContent) else ""
        say(f"  > {tool} {json.dumps(arguments, ensure_ascii=False)}")
        say(f"    {outside.unfenced(text)}")
        if result.is_error:
            raise DemoError(f"{tool}: {text}")
        self.calls += 1
        answer = cast("Record", results.parse(text))
        self.previews += "preview" in answer
        return answer

    async def first(self, tool: str, /, **arguments: Any) -> Record:
        """The first row of a list."""
        rows = (await self.call(tool, **arguments))["items"]
        return check(rows, f"{tool} lists something")[0]

    def step(self, title: str) -> None:
        """A heading of the transcript."""
        self.steps.append(title)
        say(f"\n{len(self.steps)}. {title}")


def say(line: str) -> None:
    """One line of the transcript, cut to a readable width."""
    sys.stdout.write((line if len(line) <= WIDTH else line[: WIDTH - 3] + "...") + "\n")


def check(value: Any, claim: str) -> Any:
    """`value`, or an error if the claim does not hold."""
    if not value:
        raise DemoError(f"this should hold and does not: {claim}")
    return value


def in_days(days: int) -> str:
    """A day from today as YYYY-MM-DD."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


async def overdue(day: Day) -> None:
    """Who owes money, and for how long."""
    late = await day.call("list_overdue_invoices", limit=3)
    for invoice in check(late["items"], "some invoices are overdue"):
        say(f"    - {invoice['invoice_no']}: {invoice['due_amount']}, {invoice['days_overdue']} days late")
    listed = await day.call("list_invoices", status="overdue", limit=3, fields=["invoice_no", "total"])
    check({"id", "invoice_no", "total"} >= listed["items"][0].keys(), "a list shows only what was asked for")


async def onboard(day: Day) -> int:
    """A new company and its contact; returns the contact's id."""
    company = await day.call("create_company", name="Harbour & Pine", email="office@harbourpine.example")
    contact = await day.call(
        "create_contact",
        first_name="Nora",
        last_name="Lindqvist",
        email="nora@harbourpine.example",
        company_id="Harbour & Pine",
    )
    check(contact["changed"]["company"] == f"Harbour & Pine ({company['id']})", "a name stands for the id")
    return int(contact["id"])


async def bill(day: Day, contact_id: int) -> int:
    """A quotation becomes an invoice; returns the invoice's id."""
    quotation = await day.call(
        "create_quotation",
        contact_id=contact_id,
        subject="Website relaunch",
        currency="EUR",
        items=[{"description": "Design and build", "quantity": 1, "unit_price": 4800}],
    )
    number = check(quotation.get("id"), "the new quotation was found")
    await day.call("update_quotation_status", quotation_id=number, status="accepted")
    invoice = await day.call("convert_quotation", quotation_id=number, due_date=in_days(14))
    return int(check(invoice.get("id"), "the new invoice was found"))


async def deliver(day: Day, invoice_id: int) -> None:
    """The invoice is previewed, sent and saved as PDF."""
    shown = await day.call("send_invoice", invoice_id=invoice_id)
    check(shown.get("done") == "Nothing was changed.", "without confirm nothing is sent")
    await day.call("send_invoice", invoice_id=invoice_id, confirm=True)
    saved = await day.call("download_invoice_pdf", invoice_id=invoice_id)
    check(Path(saved["saved"]).read_bytes().startswith(b"%PDF"), "the saved file is a PDF")


async def support(day: Day) -> None:
    """A ticket is answered and closed."""
    ticket = await day.first("list_tickets", status="open", limit=1)
    message = "<p>Fixed and deployed. Please check.</p>"
    await day.call("reply_ticket", ticket_id=str(ticket["id"]), message=message)
    await day.call("reply_ticket", ticket_id=str(ticket["id"]), message=message, confirm=True)
    await day.call("update_ticket_status", ticket_id=str(ticket["id"]), status="closed")
    after = await day.call("get_ticket", ticket_id=str(ticket["id"]))
    check(after["status"] == "closed", "the ticket is closed")


async def board(day: Day) -> None:
    """A task goes onto a board and across it."""
    project = await day.first("list_projects", limit=1)
    columns = (await day.call("list_tasks", project_id=project["uuid"]))["items"]
    check(len(columns) > 1, "the board has columns")
    task = await day.call(
        "create_task",
        project_id=project["uuid"],
        title="Prepare the launch checklist",
        container_id=columns[0]["title"],
        assignee_ids=["Ravi Menon"],
        due_date=in_days(7),
    )
    target = columns[1]["title"]
    await day.call("move_task", project_id=project["title"], task_id=task["id"], container_id=target)


async def sell(day: Day) -> None:
    """A deal moves to the next stage, and the pipeline is summed up."""
    pipeline = await day.first("list_pipelines", limit=1)
    stages = (await day.call("list_stages", pipeline_id=pipeline["uuid"]))["items"]
    deal = await day.first("list_deals", pipeline_id=pipeline["uuid"], limit=1)
    order = [stage["id"] for stage in sorted(stages, key=lambda stage: stage["order"])]
    following = order[(order.index(deal["deal_stage_id"]) + 1) % len(order)]
    await day.call("move_deal", pipeline_id=pipeline["uuid"], deal_id=deal["id"], stage_id=following)
    await day.call("get_pipeline_summary", pipeline_id=pipeline["title"])


async def hear(day: Day) -> None:
    """A payment comes in, TaskIP posts a webhook, and who waits and who watches hears of it."""
    invoice = await day.first("list_overdue_invoices", limit=1)
    address = f"taskip://invoices/{invoice['id']}"
    before = (await day.call("list_events"))["cursor"]
    async with day.client.listen(resource_subscriptions=[address]) as stream:
        await day.call(
            "update_invoice_status",
            invoice_id=invoice["id"],
            status="paid",
            payment_date=in_days(0),
            payment_method="cash",
            confirm=True,
        )
        with anyio.fail_after(20):
            say(f"    - to read again: {getattr(await anext(stream), 'uri', '')}")
    payment = await day.call(
        "wait_for_event", event="invoice.paid", record=invoice["invoice_no"], since=before
    )
    check(payment["items"], "the payment was reported")


async def follow_a_prompt(day: Day) -> None:
    """What a person picks from the client's menu: fresh data, and the steps."""
    messages = (await day.client.get_prompt("triage_inbox")).messages
    text = messages[-1].content
    check(isinstance(text, TextContent), "the last message is the text")
    for line in cast("TextContent", text).text.splitlines():
        say(f"    {line}")
    check(len(messages) > 1, "the data comes with it")


async def clean_up(day: Day) -> None:
    """A bulk delete that is only previewed."""
    rows = (await day.call("list_contacts", limit=3))["items"]
    shown = await day.call("bulk_delete_contacts", contact_ids=[row["id"] for row in rows])
    check(shown["count"] == len(rows), "the preview counts the records")
    await day.call("get_contact", contact_id=rows[0]["id"])


async def take_back(day: Day) -> None:
    """A change is found in the journal and taken back."""
    company = await day.first("list_companies", limit=1)
    await day.call("update_company", company_id=company["id"], website="https://wrong.example")
    change = await day.first("list_changes", record=str(company["id"]), tool="update_company")
    await day.call("undo_change", change_id=change["id"])
    after = await day.call("get_company", company_id=company["id"])
    check(after.get("website") == company.get("website"), "the website is what it was")


async def stranger(day: Day) -> None:
    """A mail that tells the assistant what to do is data, and is marked as such."""
    mail = await day.first("list_conversations", search="invoices", limit=1)
    said = await day.client.call_tool("list_conversations", {"search": "invoices", "limit": 1})
    text = said.content[0].text if isinstance(said.content[0], TextContent) else ""
    check(text.startswith(outside.NOTICE), "text of outsiders is fenced")
    say(f"    {mail['subject']}: {mail['body']}")


async def repeat(day: Day) -> None:
    """A create that is sent twice is one; what is left of the rate limit."""
    first = await day.call("create_company", name="Twice & Co", email="hi@twice.example")
    again = await day.call("create_company", name="Twice & Co", email="hi@twice.example")
    check(
        again["id"] == first["id"] and again["done"].startswith("Nothing was sent"), "the second is not sent"
    )
    windows = (await day.call("get_rate_budget"))["windows"]
    check(all(0 < window["left"] <= window["limit"] for window in windows), "the day fits into the limits")


async def business_day(day: Day) -> None:
    """All steps in order."""
    say(f"{len((await day.client.list_tools()).tools)} tools, on the embedded TaskIP")
    day.step("Who owes money, and for how long?")
    await overdue(day)
    day.step("A new client: company and contact")
    contact_id = await onboard(day)
    day.step("A quotation, accepted, becomes an invoice")
    invoice_id = await bill(day, contact_id)
    day.step("The invoice is sent (preview first) and saved as PDF")
    await deliver(day, invoice_id)
    rest: tuple[tuple[str, Callable[[Day], Coroutine[Any, Any, None]]], ...] = (
        ("A ticket is answered and closed", support),
        ("A task goes onto a board and across it", board),
        ("A deal moves to the next stage", sell),
        ("A payment is heard of", hear),
        ("A prompt brings data and steps", follow_a_prompt),
        ("A bulk delete is previewed and not done", clean_up),
        ("A wrong change is taken back", take_back),
        ("A stranger's mail is data, whatever it asks for", stranger),
        ("A create that is sent twice is one, and what is left of the rate limit", repeat),
    )
    for title, act in rest:
        day.step(title)
        await act(day)


async def run() -> int:
    """Start the server as a child over stdio and live the day; the exit status."""
    with tempfile.TemporaryDirectory(prefix="taskip-demo-") as folder:
        child = StdioServerParameters(
            command=sys.executable,
            args=["-m", "taskip_mcp"],
            env=settings.without_taskip() | {"TASKIP_SANDBOX": "1", "TASKIP_FILES_DIR": folder},
        )
        async with Client(child) as client:
            day = Day(client)
            try:
                await business_day(day)
            except DemoError as error:
                sys.stderr.write(f"demo: {error}\n")
                return 1
            say(
                f"\nDone: {len(day.steps)} steps, {day.calls} calls, {day.previews} of them previews, no error."
            )
    return 0


def main() -> int:
    """Exit status 0 when every step did what it shows."""
    return anyio.run(run)
