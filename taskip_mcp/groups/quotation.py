"""Quotations: offers that become invoices."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field

from taskip_mcp.call import Call, InexpressibleError
from taskip_mcp.errors import TaskipError
from taskip_mcp.facts import Arguments, Found, Inverse, needs
from taskip_mcp.groups import quotation_undo
from taskip_mcp.operation import Consequence, Effect, Route, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    ContactId,
    Currency,
    DateFrom,
    DateTo,
    Day,
    Email,
    Limit,
    Money,
    Nested,
    Number,
    Order,
    PageNumber,
    QuotationId,
    RecordId,
    ShortText,
    Text,
)
from taskip_mcp.results import Page, Record, Written
from taskip_mcp.wire import dig

Status = Literal["draft", "sent", "accepted", "rejected", "expired"]
EstimateNo = Annotated[ShortText | None, Field(description="Quotation number.")]
Subject = ShortText
FolderId = Annotated[RecordId | None, Field(description="From a quotation.")]
UpPaymentStatus = Annotated[bool | None, Field(description="Ask a payment in advance.")]
UpPaymentAmount = Annotated[Money | None, Field(description="Amount or percentage.")]
UpPaymentType = Annotated[str | None, Field(description="Such as fixed, percentage.")]
Turnaround = Annotated[str | None, Field(description="Words or days.")]
ExpireDate = Day | None
OpenStatus = Annotated[str | None, Field(description="Such as draft, pending.")]
InternalNote = str | None
Terms = str | None
Clearable = Literal[
    "folder_id", "up_payment_amount", "up_payment_type", "turnaround_times", "expire_date", "note", "terms_condition",
]  # fmt: skip
# Backend class names and raw change sets say nothing to a reader (contract quotation.get).
INTERNAL = frozenset({"subject_type", "causer_type", "subject_id", "causer_id", "properties", "log_name"})
LOOKED_AT = 100
"""Rows that a look-up after a write compares; TaskIP's largest page."""


class QuotationItem(Nested):
    """One line of a quotation."""

    description: Text
    quantity: Number
    unit_price: Number


def _numbers(call: Call) -> dict[str, Any]:
    """`up_payment_status` goes out as 0 or 1 (contract enum up_payment_status)."""
    value = call.given.get("up_payment_status")
    return {} if value is None else {"up_payment_status": int(value)}


@operation("quotation.list", "GET /quotation", Effect.READ)
async def list_quotations(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Quotation number or client name.")] = None,
    sort: Literal["quotation_number", "total_amount", "created_at"] | None = None,
    order: Order = None,
    status: Status | None = None,
    client_id: ContactId | None = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
) -> Page:
    """List quotations with amounts and status. For bills use list_invoices."""
    return await call.rows()


@operation(
    "quotation.create",
    "POST /quotation",
    Effect.CREATE,
    found=Found(
        "quotation.list",
        {"contact_id": "contact_id", "subject": "subject"},
        {"client_id": "contact_id", "sort": "=created_at", "order": "=desc"},
        age="created_at",
    ),
)
async def create_quotation(
    call: Call,
    contact_id: ContactId,
    subject: Subject,
    items: Annotated[list[QuotationItem], Field(min_length=1)],
    estimate_no: EstimateNo = None,
    folder_id: FolderId = None,
    up_payment_status: UpPaymentStatus = None,
    up_payment_amount: UpPaymentAmount = None,
    up_payment_type: UpPaymentType = None,
    turnaround_times: Turnaround = None,
    expire_date: ExpireDate = None,
    currency: Annotated[Currency | None, Field(description="Default USD.")] = None,
    status: OpenStatus = None,
    note: InternalNote = None,
    terms_condition: Terms = None,
) -> Written:
    """Create a quotation; mails nobody (send_quotation does). Tax and discount cannot be set."""
    # The answer holds neither id nor number (contract quotation.create): what is new afterwards is the record.
    before = await _ids(call, "quotation.list", contact_id)
    await call(body=call.given | _numbers(call))
    wanted = {"contact_id": contact_id, "subject": subject}
    wanted |= {"quotation_no": estimate_no} if estimate_no else {}
    row = await _new(call, "quotation.list", contact_id, before, wanted)
    return _found(call, f"Quotation {subject} created", row, "list_quotations")


async def _ids(call: Call, contract: str, contact_id: Any) -> set[Any]:
    return {row.get("id") for row in await _latest(call, contract, contact_id)}


async def _latest(call: Call, contract: str, contact_id: Any) -> list[Record]:
    sort = "date" if contract == "invoice.list" else "created_at"
    page: Page = await call.read(contract, client_id=contact_id, sort=sort, order="desc", limit=LOOKED_AT)
    return page.items


async def _new(
    call: Call, contract: str, contact_id: Any, before: set[Any], wanted: dict[str, Any]
) -> Record | None:
    """The one row that was not there before and fits; None when there is not exactly one, or no answer."""
    try:
        rows = await _latest(call, contract, contact_id)
    except TaskipError:
        return None
    fresh = [row for row in rows if row.get("id") not in before]
    fits = [row for row in fresh if all(row.get(name) == value for name, value in wanted.items())]
    return fits[0] if len(fits) == 1 else None


def _found(call: Call, done: str, row: Record | None, lister: str) -> Written:
    if row is None:
        return Written(f"{done}; its id could not be looked up: see {lister}", None, call.given)
    return Written(done, row.get("id"), row)


@operation("quotation.get", "GET /quotation/{quotation_id:id}", Effect.READ, reads="quotation_id")
async def get_quotation(call: Call, quotation_id: QuotationId) -> Record:
    """Get one quotation with items, terms and activities."""
    record = await call.record()
    found: Any = record.get("activities")  # of a shape that the contract does not know
    rows = cast("list[Any]", found) if isinstance(found, list) else []
    activities = [cast("Record", row) for row in rows if isinstance(row, dict)]
    plain = [{name: value for name, value in row.items() if name not in INTERNAL} for row in activities]
    return record | ({"activities": plain} if activities else {})


@operation(
    "quotation.update", "PUT /quotation/{quotation_id:id}", Effect.UPDATE, undo=quotation_undo.of_change
)
async def update_quotation(
    call: Call,
    quotation_id: QuotationId,
    contact_id: ContactId | None = None,
    subject: Subject | None = None,
    items: Annotated[
        list[QuotationItem] | None,
        Field(description="All lines; whether they replace or add is unknown."),
    ] = None,
    estimate_no: EstimateNo = None,
    folder_id: FolderId = None,
    up_payment_status: UpPaymentStatus = None,
    up_payment_amount: UpPaymentAmount = None,
    up_payment_type: UpPaymentType = None,
    turnaround_times: Turnaround = None,
    expire_date: ExpireDate = None,
    currency: Currency | None = None,
    status: OpenStatus = None,
    note: InternalNote = None,
    terms_condition: Terms = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a quotation; the rest stays. For status use update_quotation_status."""
    body = call.partial() | _numbers(call)
    return await call.write(f"Quotation {quotation_id} updated", id=quotation_id, body=body)


@operation(
    "quotation.delete", "DELETE /quotation/{quotation_id:id}", Effect.DELETE, undo=quotation_undo.REMADE
)
async def delete_quotation(call: Call, quotation_id: QuotationId) -> Written:
    """Delete a quotation for good. To close one that the client has, set it to rejected or expired."""
    return await call.write(f"Quotation {quotation_id} deleted", id=quotation_id)


@operation(
    "quotation.convert_to_invoice",
    "POST /quotation/{quotation_id:id}/convert-to-invoice",
    Effect.CREATE,
    found=Found(
        "invoice.list",
        {"due_date": "due_date", "client_id": "contact_id"},
        {"client_id": "client_id", "sort": "=date", "order": "=desc"},
        age="created_at",
    ),
    undo=Inverse(contract="invoice.delete", remake=True),
)
async def convert_quotation(
    call: Call,
    quotation_id: QuotationId,
    due_date: Annotated[Day, Field(description="Of the invoice.")],
    payment_terms: str | None = None,
) -> Written:
    """Make an invoice from an accepted quotation; mails nobody. A second call makes a second invoice."""
    quotation = await call.read("quotation.get", quotation_id=quotation_id)
    client = quotation.get("contact_id")
    call.arguments["client_id"] = client  # not sent: by it the invoice is found, should the answer be lost
    before = await _ids(call, "invoice.list", client)
    await call()
    row = await _new(call, "invoice.list", client, before, {"contact_id": client})
    return _found(call, f"Quotation {quotation_id} converted to an invoice", row, "list_invoices")


def _mailed(arguments: Arguments, record: Record) -> list[str]:
    """Where it goes, as far as the record tells."""
    client = dig(record, "contact.email") or "an address that the record does not show"
    copies = cast("list[str]", arguments.get("cc_emails") or [])
    return [f"It goes to {', '.join([client, *copies])}.", f"Subject: {record.get('subject')}."]


@operation(
    "quotation.send_to_client",
    "POST /quotation/{quotation_id:id}/send-to-client",
    Effect.SEND,
    swagger="POST /quotation/sent/{quotation_id:id}",
    warns="The quotation is mailed to the client and to every address in cc_emails.",
    follows=_mailed,
)
async def send_quotation(
    call: Call,
    quotation_id: QuotationId,
    email_template: str | None = None,
    custom_message: str | None = None,
    cc_emails: list[Email] | None = None,
    send_copy_to_self: Annotated[bool | None, Field(description="Default true.")] = None,
) -> Written:
    """Email a quotation to the client; cannot be undone. Without mail use update_quotation_status."""

    def body(route: Route) -> dict[str, Any]:
        # The second sender knows other fields (contract quotation.send_rate_limited).
        unknown = call.given.keys() & {"email_template", "send_copy_to_self"}
        if route.origin == "swagger" and unknown:
            raise InexpressibleError(*sorted(unknown))
        return call.given

    return await call.write(f"Quotation {quotation_id} sent", id=quotation_id, body=body)


@operation(
    "quotation.status_update",
    "POST /quotation/{quotation_id:id}/status-update",
    Effect.UPDATE,
    undo=quotation_undo.of_change,
)
async def update_quotation_status(
    call: Call,
    quotation_id: QuotationId,
    status: Status,
    reason: str | None = None,
    notes: str | None = None,
) -> Written:
    """Set a quotation's status; mails nobody. TaskIP refuses some changes."""
    return await call.write(f"Quotation {quotation_id} set to {status}", id=quotation_id)


BULK = {"delete": Consequence.DELETE, "send_to_clients": Consequence.SEND}


def _bulk(arguments: Arguments) -> set[Consequence]:
    extra = BULK.get(str(arguments.get("action")))
    return {Consequence.BULK, extra} if extra else {Consequence.BULK}


@operation(
    "quotation.bulk_actions",
    "POST /quotation/bulk-actions",
    Effect.BULK,
    chunk="quotation_ids",
    shows={"status": "status"},
    possible={Consequence.BULK, *BULK.values()},
    judge=_bulk,
    idempotent=False,
    undo=quotation_undo.of_bulk,
    check=needs("action", {"status_update": ("status",)}),
    warns="TaskIP does not say what became of each quotation. send_to_clients mails every client concerned.",
)
async def bulk_update_quotations(
    call: Call,
    quotation_ids: Annotated[list[RecordId], Field(min_length=1)],
    action: Literal["delete", "status_update", "send_to_clients"],
    status: Annotated[Status | None, Field(description="With status_update.")] = None,
    reason: Annotated[str | None, Field(description="With status_update.")] = None,
    email_template: Annotated[str | None, Field(description="With send_to_clients.")] = None,
    custom_message: Annotated[str | None, Field(description="With send_to_clients.")] = None,
) -> Written:
    """Delete, mail or set the status of several quotations. For one use its own tool."""
    extras = {name: value for name, value in call.given.items() if name not in {"quotation_ids", "action"}}
    body = {"quotation_ids": quotation_ids, "action": action} | ({"parameters": extras} if extras else {})
    return await call.write(f"{action} carried out on {len(quotation_ids)} quotations", body=body)
