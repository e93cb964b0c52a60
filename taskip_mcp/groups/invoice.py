"""Invoices."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from taskip_mcp import merge, money
from taskip_mcp.call import Call
from taskip_mcp.errors import ArgumentError, ConflictError, TaskipError, UnreadableError
from taskip_mcp.facts import Arguments, Found, needs
from taskip_mcp.groups import invoice_undo
from taskip_mcp.groups.invoice_models import (
    BACK,
    NAMES,
    InvoiceItem,
    Note,
    Payable,
    RecurringPayment,
    billing,
    mailed,
    paid,
)
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    Amount,
    ContactId,
    Currency,
    DateFrom,
    DateTo,
    Day,
    Email,
    InvoiceId,
    Limit,
    MediaId,
    Money,
    Order,
    PageNumber,
    ProjectId,
    RecordId,
    ShortText,
    WholeNumber,
)
from taskip_mcp.results import Page, Record, Saved, Written

Status = Literal["draft", "sent", "paid", "overdue", "cancelled"]
Subject = ShortText
InvoiceNo = Annotated[ShortText, Field(description="Number; unique, you choose it.")]
IssueDate = Day | None
DueDate = Day | None
Discount = Amount | None
DiscountType = Literal["percent", "fixed"] | None
Subtotal = Annotated[Money | None, Field(description="Default: sum of the items.")]
Total = Annotated[Money | None, Field(description="Default: subtotal less discount.")]
Gateway = Literal["stripe", "paypal", "razor", "manual", "mollie", "xendit", "fastspring"]
PaymentMethod = Annotated[str | None, Field(description="Such as bank_transfer; required with paid.")]
Clearable = Literal["issue_date", "due_date", "items", "discount", "discount_type", "tax_ids", "notes"]


Items = list[InvoiceItem] | None


@operation("invoice.list", "GET /invoice", Effect.READ)
async def list_invoices(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Invoice number or client.")] = None,
    status: Status | None = None,
    client_id: ContactId | None = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    sort: Literal["invoice_number", "amount", "date", "due_date"] | None = None,
    order: Order = None,
) -> Page:
    """List invoices with amounts, status and due date. For offers use list_quotations."""
    return await call.rows()


@operation(
    "invoice.create",
    "POST /invoice",
    Effect.CREATE,
    found=Found(
        "invoice.list", {"invoice_no": "invoice_no"}, {"search": "invoice_no"}, age="created_at", unique=True
    ),
)
async def create_invoice(
    call: Call,
    invoice_no: InvoiceNo,
    contact_id: ContactId,
    subject: Subject,
    currency: Currency,
    items: Items = None,
    issue_date: IssueDate = None,
    due_date: DueDate = None,
    subtotal: Subtotal = None,
    discount: Discount = None,
    discount_type: DiscountType = None,
    total: Total = None,
    project_id: ProjectId | None = None,
    logo: MediaId = None,
    signature: MediaId = None,
    terms: str | None = None,
    status: Literal["draft", "publish"] | None = None,
) -> Written:
    """Create an invoice; mails nobody (send_invoice does). From an accepted offer use convert_quotation."""
    body = dict(call.given)
    if items:
        # Totals are stored as sent, not computed (contract invoice.create).
        found = dict(
            zip(("subtotal", "total"), money.totals(body["items"], discount, discount_type), strict=True)
        )
        body = found | body
    # Cents here, units on update and on reads; a JSON array inside a string here, an array elsewhere.
    body |= {name: money.cents(name, body[name]) for name in ("subtotal", "total") if name in body}
    body |= {"items": json.dumps(body["items"])} if "items" in body else {}
    await call(body=body)
    return await _look_up(call, invoice_no)


async def _look_up(call: Call, invoice_no: str) -> Written:
    """The answer has no id: find the invoice by its number."""
    done = f"Invoice {invoice_no} created"
    try:
        page: Page = await call.read("invoice.list", search=invoice_no)
        rows = [row for row in page.items if row.get("invoice_no") == invoice_no]
    except TaskipError:
        rows = []
    if len(rows) == 1:
        return Written(done, rows[0].get("id"), rows[0])
    words = f"{done}; its id could not be looked up: search list_invoices for {invoice_no}"
    return Written(words, None, call.given)


@operation("invoice.get", "GET /invoice/{invoice_id:id}", Effect.READ, reads="invoice_id")
async def get_invoice(call: Call, invoice_id: InvoiceId) -> Record:
    """Get one invoice with items, amounts and payments."""
    return await call.record()


@operation(
    "invoice.update",
    "PUT /invoice/{invoice_id:id}",
    Effect.UPDATE,
    possible={Consequence.MONEY},
    judge=billing,
    undo=invoice_undo.of_update,
)
async def update_invoice(
    call: Call,
    invoice_id: InvoiceId,
    invoice_no: ShortText | None = None,
    contact_id: ContactId | None = None,
    payment_gateway: ShortText | None = None,
    template: WholeNumber | None = None,
    subject: Subject | None = None,
    issue_date: IssueDate = None,
    due_date: DueDate = None,
    currency: Currency | None = None,
    items: Items = None,
    subtotal: Subtotal = None,
    discount: Discount = None,
    discount_type: DiscountType = None,
    tax_ids: list[RecordId] | None = None,
    total: Total = None,
    notes: list[Note] | None = None,
    recurring_payment: Annotated[
        RecurringPayment | None, Field(description="Prefer set_invoice_recurring.")
    ] = None,
    payable: Payable | None = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a draft or sent invoice; the rest stays, lists are replaced. For status use
    update_invoice_status."""
    record = await call.read("invoice.get", invoice_id=invoice_id)
    given = {NAMES.get(name, name): value for name, value in call.given.items()}
    cleared = [NAMES.get(name, name) for name in clear or []]
    body = merge.merged(record, given, BACK, cleared)
    _recount(record, body, given.keys() | set(cleared))
    # Everything goes under `invoice`, with the id repeated (contract quirk 10).
    fields = {"invoice": {"id": invoice_id} | body}
    return await call.write(f"Invoice {invoice_id} updated", id=invoice_id, body=fields)


def _recount(record: Record, body: Record, changed: set[str]) -> None:
    """New items or discounts need new totals: TaskIP stores what it is sent."""
    missing = {"subtotal", "total"} - changed
    if not changed & {"items", "discount", "discount_type", "tax"} or not missing:
        return
    if record.get("tax") or body.get("tax"):
        raise ArgumentError(
            f"{' and '.join(sorted(missing))}: give the new amounts, since this invoice has taxes and TaskIP does not"
            " compute totals. Nothing was sent."
        )
    amounts = money.totals(body.get("items") or [], body.get("discount"), body.get("discount_type"))
    body |= {
        name: value for name, value in zip(("subtotal", "total"), amounts, strict=True) if name in missing
    }


@operation(
    "invoice.delete",
    "DELETE /invoice/{invoice_id:id}",
    Effect.DELETE,
    undo=invoice_undo.REMADE,
    warns="TaskIP refuses this for invoices that are paid or paid in part; no restore is documented.",
)
async def delete_invoice(call: Call, invoice_id: InvoiceId) -> Written:
    """Delete a draft or sent invoice for good. To void one that the client has, set it to cancelled."""
    return await call.write(f"Invoice {invoice_id} deleted", id=invoice_id)


@operation(
    "invoice.send_to_client",
    "POST /invoice/{invoice_id:id}/send-to-client",
    Effect.SEND,
    guide="POST /invoice/sent/{invoice_id:id}",
    warns="The invoice is mailed to the client, or to `email` if given.",
    follows=mailed,
)
async def send_invoice(
    call: Call,
    invoice_id: InvoiceId,
    email: Annotated[Email | None, Field(description="Default: the client's.")] = None,
    subject: str | None = None,
    message: str | None = None,
    template: Literal["default", "reminder", "overdue"] | None = None,
    attach_pdf: Annotated[bool | None, Field(description="Default true.")] = None,
    send_copy_to_self: Annotated[bool | None, Field(description="Default false.")] = None,
) -> Written:
    """Email an invoice to the client; cannot be undone. Without mail use update_invoice_status."""
    return await call.write(f"Invoice {invoice_id} sent", id=invoice_id)


@operation(
    "invoice.status_update",
    "POST /invoice/{invoice_id:id}/status-update",
    Effect.UPDATE,
    possible={Consequence.MONEY},
    judge=paid,
    undo=invoice_undo.of_status,
    follows=money.payment,
    check=needs("status", {"paid": ("payment_date", "payment_method")}),
    idempotent=False,
    warns="Paid records a payment and locks the invoice against edits and deletion; repeating it may record another.",
)
async def update_invoice_status(
    call: Call,
    invoice_id: InvoiceId,
    status: Status,
    payment_date: Annotated[Day | None, Field(description="Required with paid.")] = None,
    payment_method: PaymentMethod = None,
    payment_amount: Annotated[Money | None, Field(description="Default: all.")] = None,
    notes: str | None = None,
) -> Written:
    """Set an invoice's status; mails nobody. paid records a payment and locks the invoice, for good."""
    answer = await call()
    if isinstance(answer.payload, str):
        call.state = "unclear"
        await _verify(call, status, answer.payload)
    figures = {name: answer.get(name) for name in ("partial_paid_amount", "due_amount")}
    changed = call.given | {name: value for name, value in figures.items() if value is not None}
    words = f"Invoice {invoice_id} set to {status}"
    if payment_amount is not None and figures["due_amount"]:
        words = f"Payment recorded for invoice {invoice_id}; {figures['due_amount']} is still due"
    return Written(words, invoice_id, changed)


async def _verify(call: Call, status: str, words: str) -> None:
    """A failure comes as a bare string, with any status code (contract invoice.status_update): read what is true."""
    record = await call.read("invoice.get", invoice_id=call.arguments["invoice_id"])
    if record.get("status") != status:
        raise ConflictError(
            f"TaskIP did not set the status: {words[:300]}. The invoice is {record.get('status')}",
            operation=call.operation.contract,
            outcome="unchanged",
        )


@operation(
    "invoice.download_pdf",
    "GET /invoice/{invoice_id:id}/download-pdf",
    Effect.READ,
    guide="GET /invoice/{invoice_id:id}/download",
)
async def download_invoice_pdf(
    call: Call,
    invoice_id: InvoiceId,
    template: Literal["default", "minimal", "detailed"] | None = None,
) -> Saved:
    """Save an invoice as PDF in the user's TaskIP folder. To mail it use send_invoice."""
    answer = await call()
    if not isinstance(answer.payload, bytes):
        raise UnreadableError("TaskIP answered without a PDF", operation=call.operation.contract)
    uri = f"taskip://invoices/{invoice_id}/pdf"
    return call.backend.files.save(f"invoice-{invoice_id}.pdf", answer.payload, "application/pdf", uri)


@operation(
    "invoice.payment_gateway",
    "POST /invoice/{invoice_id:id}/payment-gateway",
    Effect.UPDATE,
    possible={Consequence.MONEY},
    warns="It decides where the client's payment goes.",
    undo=invoice_undo.GATEWAY,
)
async def set_invoice_payment_gateway(
    call: Call,
    invoice_id: InvoiceId,
    payment_gateway: Annotated[Gateway, Field(description="razor: Razorpay.")],
) -> Written:
    """Choose where the client pays an invoice. The gateway's account is set up on the website."""
    return await call.write(
        f"Payment gateway of invoice {invoice_id} set to {payment_gateway}", id=invoice_id
    )


@operation(
    "invoice.recurring_setup",
    "POST /invoice/{invoice_id:id}/recurring-setup",
    Effect.UPDATE,
    guide="POST /invoice/{invoice_id:id}/recurring",
    shows={
        "is_recurring": "recurring_payment.is_payment_reccuring",
        "frequency": "recurring_payment.payment_recurring_type",
    },
    possible={Consequence.MONEY},
    undo=invoice_undo.RECURRING,
    check=needs("is_recurring", {"True": ("frequency",)}),
    warns="A recurring invoice bills the client on a schedule without being asked again.",
)
async def set_invoice_recurring(
    call: Call,
    invoice_id: InvoiceId,
    is_recurring: Annotated[bool, Field(description="false stops.")],
    frequency: Literal["weekly", "monthly", "quarterly", "yearly"] | None = None,
    interval: Annotated[RecordId | None, Field(description="Every so many periods.")] = None,
    end_date: Day | None = None,
    max_cycles: Annotated[
        RecordId | None, Field(description="Invoices to make; give this or end_date.")
    ] = None,
) -> Written:
    """Let an invoice recur, or stop that. It bills the client on a schedule."""
    return await call.write(
        f"Invoice {invoice_id} {'recurs' if is_recurring else 'no longer recurs'}", id=invoice_id
    )


BULK = {"delete": Consequence.DELETE, "send": Consequence.SEND, "mark_paid": Consequence.MONEY}


def _bulk(arguments: Arguments) -> set[Consequence]:
    extra = BULK.get(str(arguments.get("action")))
    return {Consequence.BULK, extra} if extra else {Consequence.BULK}


@operation(
    "invoice.bulk_actions",
    "POST /invoice/bulk-actions",
    Effect.BULK,
    chunk="invoice_ids",
    shows={"mark_paid": "status=paid", "mark_sent": "status=sent"},
    possible={Consequence.BULK, *BULK.values()},
    judge=_bulk,
    idempotent=False,
    undo=invoice_undo.of_bulk,
    warns="TaskIP does not say what became of each invoice. send mails every client concerned.",
)
async def bulk_update_invoices(
    call: Call,
    invoice_ids: Annotated[list[RecordId], Field(min_length=1)],
    action: Literal["delete", "send", "mark_sent", "mark_paid"],
    email_template: Annotated[str | None, Field(description="With send.")] = None,
    payment_date: Annotated[Day | None, Field(description="With mark_paid.")] = None,
    payment_method: Annotated[str | None, Field(description="With mark_paid.")] = None,
) -> Written:
    """Delete, mail (send), mark sent or mark paid several invoices. For one use its own tool."""
    data = {name: value for name, value in call.given.items() if name not in {"invoice_ids", "action"}}
    # The table has ids and an integer action, the examples the words and invoice_ids; no integer is published.
    body = {"ids": invoice_ids, "action": action} | ({"data": data} if data else {})
    return await call.write(f"{action} carried out on {len(invoice_ids)} invoices", body=body)
