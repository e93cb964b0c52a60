"""Parameter types that operations share: bounds, formats and the words the model reads.

A type ends in ``| None`` where the parameter is optional; ``= None`` then means "not sent".
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _no_bool(value: Any) -> Any:
    # Python counts True as 1: without this, `contact_id: true` would mean contact 1.
    if isinstance(value, bool):
        raise ValueError("give a number, not true or false")
    return value


def _only_text(value: Any) -> Any:
    # pydantic reads a number as seconds since 1970, which no caller means.
    if isinstance(value, str | date):
        return value
    raise ValueError("give a date as YYYY-MM-DD")


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _only_true(value: Any) -> Any:
    # A confirmation is explicit: "yes", 1 and the like are not taken for it.
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, bool):
        return value
    raise ValueError("give true or false")


class Nested(BaseModel):
    """Base of nested items: unknown keys are refused as in the arguments themselves."""

    model_config = ConfigDict(extra="forbid")


# --- identifiers ------------------------------------------------------------------------------------------

# Bounds stand before the validator: behind it pydantic would publish `ge` instead of `minimum`.
WholeNumber = Annotated[int, BeforeValidator(_no_bool)]
Position = Annotated[int, Field(ge=0), BeforeValidator(_no_bool)]
RecordId = Annotated[int, Field(ge=1), BeforeValidator(_no_bool)]
Reference = Annotated[str, Field(min_length=1, max_length=100), BeforeValidator(_as_text)]

ContactId = Annotated[RecordId, Field(description="Contact id (list_contacts).")]
CompanyId = Annotated[RecordId, Field(description="Company id (list_companies).")]
MemberId = Annotated[RecordId, Field(description="Team member id (list_team_members).")]
InvoiceId = Annotated[RecordId, Field(description="Invoice id (list_invoices), not the invoice number.")]
QuotationId = Annotated[
    RecordId, Field(description="Quotation id (list_quotations), not the quotation number.")
]
TicketId = Annotated[Reference, Field(description="Ticket id or uuid (list_tickets).")]
DocumentId = Annotated[RecordId, Field(description="Document id (list_documents).")]
ProjectId = Annotated[
    Reference, Field(description="Project id or uuid (list_projects); the uuid saves a request.")
]
TaskId = Annotated[RecordId, Field(description="Task id (list_tasks).")]
ContainerId = Annotated[RecordId, Field(description="Board column: container_id of list_tasks.")]
AttributeId = Annotated[RecordId, Field(description="Project attribute id (list_project_attributes).")]
PipelineId = Annotated[Reference, Field(description="Pipeline uuid (list_pipelines).")]
DealId = Annotated[RecordId, Field(description="Deal id (list_deals).")]
StageId = Annotated[RecordId, Field(description="Stage id (list_stages).")]
MeetingId = Annotated[Reference, Field(description="Meeting uuid (list_meetings).")]
BookingId = Annotated[RecordId, Field(description="Booking id (list_meeting_bookings).")]
ConversationId = Annotated[Reference, Field(description="Conversation uuid (list_conversations).")]
TagId = Annotated[RecordId, Field(description="Inbox tag id (tags of list_conversations).")]

MediaId = Annotated[
    RecordId | None,
    Field(
        description="Id of a file already in TaskIP's media library; the API offers no way to upload or list."
    ),
]
LookupId = Annotated[
    RecordId | None,
    Field(description="TaskIP lookup id; the API does not list them, so copy it from a record."),
]

# --- dates, times, money, text ----------------------------------------------------------------------------

Day = Annotated[date, BeforeValidator(_only_text), Field(description="YYYY-MM-DD.")]
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
CURRENCY = r"^[A-Z]{3}$"
COLOR = r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"
EMAIL = r"^[^@\s,]+@[^@\s,]+\.[^@\s,]+$"
PATTERN_WORDS = {
    CLOCK: "a time as HH:MM, 24 hours",
    CURRENCY: "an ISO 4217 code of three capitals, such as USD",
    COLOR: "a hex colour, such as #1E90FF",
    EMAIL: "one email address",
}
"""What an error says instead of a regular expression."""

ClockTime = Annotated[str, Field(pattern=CLOCK, description="HH:MM, 24 hours.")]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_bool)]
Amount = Annotated[float, Field(allow_inf_nan=False, ge=0), BeforeValidator(_no_bool)]
Money = Annotated[Amount, Field(description="In currency units, such as 12.5.")]
Currency = Annotated[str, Field(pattern=CURRENCY, description="ISO 4217 code, such as USD.")]
Color = Annotated[str, Field(pattern=COLOR, description="Hex colour, such as #1E90FF.")]
Email = Annotated[str, Field(pattern=EMAIL, max_length=191)]
Text = Annotated[str, Field(min_length=1)]
ShortText = Annotated[str, Field(min_length=1, max_length=191)]
Timezone = Annotated[str | None, Field(description="IANA name, such as Europe/Berlin.")]

# --- lists ------------------------------------------------------------------------------------------------

PageNumber = Annotated[RecordId | None, Field(description="Default 1.")]
RowCount = Annotated[int, Field(ge=1, le=100), BeforeValidator(_no_bool)]
Limit = Annotated[RowCount | None, Field(description="Rows a page; default 50.")]
Order = Annotated[Literal["asc", "desc"] | None, Field(description="Sort direction.")]
DateFrom = Annotated[Day | None, Field(description="From this day, YYYY-MM-DD.")]
DateTo = Annotated[Day | None, Field(description="Up to this day, YYYY-MM-DD.")]

# The reference promises these filters for "many endpoints"; where no guide of a list confirms one, TaskIP may
# ignore it, and the model is told so.
UnverifiedSearch = Annotated[str | None, Field(description="Text search. Unverified here: may be ignored.")]
UnverifiedStatus = Annotated[str | None, Field(description="Unverified here: may be ignored.")]
UnverifiedDateFrom = Annotated[Day | None, Field(description="YYYY-MM-DD. Unverified here: may be ignored.")]
UnverifiedDateTo = Annotated[Day | None, Field(description="YYYY-MM-DD. Unverified here: may be ignored.")]
CreatedAt = Annotated[Day | None, Field(description="Creation day, YYYY-MM-DD. Unverified: may be ignored.")]
UnverifiedSort = Annotated[
    str | None, Field(description="Field to sort by. Unverified here: may be ignored.")
]
UnverifiedOrder = Annotated[
    Literal["asc", "desc"] | None, Field(description="Unverified here: may be ignored.")
]


class UnverifiedDates(TypedDict, total=False):
    """The date filters of a list whose guide has none of them."""

    date_from: UnverifiedDateFrom
    date_to: UnverifiedDateTo
    created_at: CreatedAt


class UnverifiedFilters(UnverifiedDates, total=False):
    """All common filters, for a list whose guide documents no parameter."""

    search: UnverifiedSearch
    status: UnverifiedStatus
    sort: UnverifiedSort
    order: UnverifiedOrder


# --- control ----------------------------------------------------------------------------------------------

Confirm = Annotated[
    bool,
    BeforeValidator(_only_true),
    Field(
        description="Leave out first: that shows what would happen, or asks the person. true: they agreed."
    ),
]
ConfirmCode = Annotated[
    str | None, Field(max_length=200, description="The confirm_code of the preview, where it has one.")
]
AllowDuplicate = Annotated[
    bool,
    BeforeValidator(_only_true),
    Field(
        description="true sends it although an identical call was sent just before or is of unknown outcome."
    ),
]
Extra = Annotated[
    dict[str, Any] | None,
    Field(description="Further body fields by their TaskIP names; TaskIP does not document this body."),
]
CLEAR = "Fields to empty. A field that is left out keeps its value."
