"""Invoices."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field

from taskip_mcp import merge, money
from taskip_mcp.call import Call
from taskip_mcp.errors import ArgumentError, ConflictError, TaskipError, UnreadableError
from taskip_mcp.facts import Arguments, Found
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
    Amount,
    ContactId,
    CreatedAt,
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
    RecordId,
    Reference,
    ShortText,
    WholeNumber,
)
from taskip_mcp.results import Page, Record, Saved, Written

Status = Literal["draft", "sent", "paid", "overdue", "cancelled"]
Subject = Annotated[ShortText, Field(description="What the invoice is for.")]
InvoiceNo = Annotated[
    ShortText, Field(description="Invoice number, unique; TaskIP does not number by itself.")
]
IssueDate = Annotated[Day | None, Field(description="Day of issue, YYYY-MM-DD.")]
DueDate = Annotated[Day | None, Field(description="Payable until, YYYY-MM-DD.")]
Discount = Annotated[Amount | None, Field(description="Percentage or amount, see discount_type.")]
DiscountType = Annotated[Literal["percent", "fixed"] | None, Field(description="How discount is meant.")]
Subtotal = Annotated[Money | None, Field(description="In currency units; left out: the sum of the items.")]
Total = Annotated[Money | None, Field(description="In currency units; left out: subtotal less discount.")]
Gateway = Literal["stripe", "paypal", "razor", "manual", "mollie", "xendit", "fastspring"]
PaymentMethod = Annotated[
    str | None, Field(description="Seen: credit_card, bank_transfer. Required with paid.")
]
Clearable = Literal["issue_date", "due_date", "items", "discount", "discount_type", "tax_ids", "notes"]


Items = Annotated[list[InvoiceItem] | None, Field(description="Lines of the invoice.")]


@operation("invoice.list", "GET /invoice", Effect.READ)
async def list_invoices(
    call: Call,
    page: PageNumber = None,
    limit: Limit = None,
    search: Annotated[str | None, Field(description="Invoice number or client.")] = None,
    status: Annotated[Status | None, Field(description="Invoice status.")] = None,
    client_id: Annotated[ContactId | None, Field(description="Contact id of the client.")] = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
    sort: Annotated[
        Literal["invoice_number", "amount", "date", "due_date"] | None, Field(description="Order by.")
    ] = None,
    order: Order = None,
    created_at: CreatedAt = None,
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
    project_id: Annotated[Reference | None, Field(description="Project the invoice belongs to.")] = None,
    logo: MediaId = None,
    signature: MediaId = None,
    terms: Annotated[str | None, Field(description="Terms printed on the invoice.")] = None,
    status: Annotated[Literal["draft", "publish"] | None, Field(description="Draft, or visible.")] = None,
) -> Written:
    """Create an invoice. Nothing is mailed: use send_invoice. From an accepted quotation use convert_quotation."""
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
    """Get one invoice with items, amounts, payments and activities."""
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
    invoice_no: InvoiceNo | None = None,
    contact_id: ContactId | None = None,
    payment_gateway: Annotated[ShortText | None, Field(description="Payment gateway.")] = None,
    template: Annotated[WholeNumber | None, Field(description="Template number, as reads show it.")] = None,
    subject: Subject | None = None,
    issue_date: IssueDate = None,
    due_date: DueDate = None,
    currency: Currency | None = None,
    items: Items = None,
    subtotal: Subtotal = None,
    discount: Discount = None,
    discount_type: DiscountType = None,
    tax_ids: Annotated[list[RecordId] | None, Field(description="Tax ids, as invoices show them.")] = None,
    total: Total = None,
    notes: Annotated[list[Note] | None, Field(description="All notes of the invoice.")] = None,
    recurring_payment: Annotated[RecurringPayment | None, Field(description="Recurring payment.")] = None,
    payable: Annotated[Payable | None, Field(description="What is to be paid now.")] = None,
    clear: Annotated[list[Clearable] | None, Field(description=CLEAR)] = None,
) -> Written:
    """Change fields of a draft or sent invoice; the others stay, a list is replaced. For its status use
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
    """Delete a draft or sent invoice for good. To void one that the client has, set it to cancelled instead."""
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
    email: Annotated[
        Email | None, Field(description="Other recipient; default the client's address.")
    ] = None,
    subject: Annotated[str | None, Field(description="Subject line of the mail.")] = None,
    message: Annotated[str | None, Field(description="Text of the mail.")] = None,
    template: Annotated[
        Literal["default", "reminder", "overdue"] | None, Field(description="Mail template.")
    ] = None,
    attach_pdf: Annotated[bool | None, Field(description="Default true.")] = None,
    send_copy_to_self: Annotated[bool | None, Field(description="Default false.")] = None,
) -> Written:
    """Email an invoice to the client. It cannot be taken back. To only change the status use update_invoice_status."""
    return await call.write(f"Invoice {invoice_id} sent", id=invoice_id)


@operation(
    "invoice.status_update",
    "POST /invoice/{invoice_id:id}/status-update",
    Effect.UPDATE,
    possible={Consequence.MONEY},
    judge=paid,
    undo=invoice_undo.of_status,
    follows=money.payment,
    idempotent=False,
    warns="Paid records a payment and locks the invoice against edits and deletion; repeating it may record another.",
)
async def update_invoice_status(
    call: Call,
    invoice_id: InvoiceId,
    status: Annotated[Status, Field(description="New status.")],
    payment_date: Annotated[Day | None, Field(description="YYYY-MM-DD. Required with paid.")] = None,
    payment_method: PaymentMethod = None,
    payment_amount: Annotated[Money | None, Field(description="Default: the full amount.")] = None,
    notes: Annotated[str | None, Field(description="Note on the change.")] = None,
) -> Written:
    """Set an invoice's status. paid records a payment and locks the invoice. Nothing is mailed; use send_invoice."""
    if status == "paid" and not (payment_date and payment_method):
        raise ArgumentError(
            "payment_date and payment_method are required with status paid. Nothing was sent."
        )
    answer = await call()
    if isinstance(answer.payload, str):
        call.state = "unclear"
        await _verify(call, status, answer.payload)
    figures = {name: answer.get(name) for name in ("partial_paid_amount", "due_amount")}
    changed = call.given | {name: value for name, value in figures.items() if value is not None}
    return Written(f"Invoice {invoice_id} set to {status}", invoice_id, changed)


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
    template: Annotated[
        Literal["default", "minimal", "detailed"] | None, Field(description="Layout of the PDF.")
    ] = None,
) -> Saved:
    """Save an invoice as PDF in the user's TaskIP folder and return where. To mail it use send_invoice."""
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
    payment_gateway: Annotated[Gateway, Field(description="Where the client pays; razor is Razorpay.")],
) -> Written:
    """Choose the payment gateway of an invoice. The gateway's account is set up on the TaskIP website."""
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
    warns="A recurring invoice bills the client on a schedule without being asked again.",
)
async def set_invoice_recurring(
    call: Call,
    invoice_id: InvoiceId,
    is_recurring: Annotated[bool, Field(description="true starts, false stops.")],
    frequency: Annotated[
        Literal["weekly", "monthly", "quarterly", "yearly"] | None, Field(description="How often.")
    ] = None,
    interval: Annotated[RecordId | None, Field(description="Every so many periods.")] = None,
    end_date: Annotated[Day | None, Field(description="Last day, YYYY-MM-DD.")] = None,
    max_cycles: Annotated[
        RecordId | None, Field(description="Number of invoices; give this or end_date, TaskIP ranks neither.")
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
    invoice_ids: Annotated[list[InvoiceId], Field(min_length=1, description="Invoices.")],
    action: Annotated[Literal["delete", "send", "mark_sent", "mark_paid"], Field(description="What to do.")],
    email_template: Annotated[str | None, Field(description="Mail template, with send.")] = None,
    payment_date: Annotated[Day | None, Field(description="YYYY-MM-DD, with mark_paid.")] = None,
    payment_method: Annotated[str | None, Field(description="With mark_paid.")] = None,
) -> Written:
    """Delete, send, mark as sent or mark as paid several invoices at once. For one use its own tool."""
    data = {name: value for name, value in call.given.items() if name not in {"invoice_ids", "action"}}
    # The table has ids and an integer action, the examples the words and invoice_ids; no integer is published.
    body = {"ids": invoice_ids, "action": action} | ({"data": data} if data else {})
    return await call.write(f"{action} carried out on {len(invoice_ids)} invoices", body=body)
