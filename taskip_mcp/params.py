"""Parameter types that operations share: bounds, formats and the words the model reads.

A type ends in ``| None`` where the parameter is optional; ``= None`` then means "not sent".
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from taskip_mcp.named import Named


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

# An id, or the exact name that people use (see `taskip_mcp.named`). Bulk lists take `RecordId`: a job is about ids.
ContactId = Annotated[RecordId, Named("contact")]
CompanyId = Annotated[RecordId, Named("company")]
MemberId = Annotated[RecordId, Named("member")]
InvoiceId = Annotated[RecordId, Named("invoice")]
QuotationId = Annotated[RecordId, Named("quotation")]
TicketId = Annotated[Reference, Named("ticket")]
DocumentId = Annotated[RecordId, Named("document")]
ProjectId = Annotated[Reference, Named("project")]
TaskId = Annotated[RecordId, Named("task")]
ContainerId = Annotated[RecordId, Named("container")]
AttributeId = Annotated[RecordId, Named("attribute")]
LabelId = Annotated[RecordId, Named("label")]
ProjectTagId = Annotated[RecordId, Named("tag")]
CategoryId = Annotated[RecordId, Named("category")]
PipelineId = Annotated[Reference, Named("pipeline")]
DealId = Annotated[RecordId, Named("deal")]
StageId = Annotated[RecordId, Named("stage")]
MeetingId = Annotated[Reference, Named("meeting")]
TagId = Annotated[RecordId, Named("inbox_tag")]

BookingId = RecordId
ConversationId = Reference

MediaId = Annotated[
    RecordId | None, Field(description="Id of a file that is in TaskIP; none can be uploaded.")
]
LookupId = RecordId | None
"""Country, state, city and their like: the API does not list them."""

CountryId = Annotated[
    LookupId, Field(description="Copied from a record, like state_id and city_id; TaskIP lists none.")
]

# --- dates, times, money, text ----------------------------------------------------------------------------

Day = Annotated[date, BeforeValidator(_only_text)]
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

ClockTime = Annotated[str, Field(pattern=CLOCK, description="HH:MM.")]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_bool)]
Amount = Annotated[float, Field(allow_inf_nan=False, ge=0), BeforeValidator(_no_bool)]
Money = Annotated[Amount, Field(description="In currency units.")]
Currency = Annotated[str, Field(pattern=CURRENCY, description="Such as USD.")]
Color = Annotated[str, Field(pattern=COLOR, description="Such as #1E90FF.")]
Email = Annotated[str, Field(pattern=EMAIL, max_length=191)]
Text = Annotated[str, Field(min_length=1)]
ShortText = Annotated[str, Field(min_length=1, max_length=191)]
Timezone = Annotated[str | None, Field(description="IANA name.")]

# --- lists ------------------------------------------------------------------------------------------------

ROWS = 25
"""Rows of a page unless the caller says otherwise; half of TaskIP's default (contract conventions.pagination)."""

PageNumber = RecordId | None
RowCount = Annotated[int, Field(ge=1, le=100), BeforeValidator(_no_bool)]
Limit = RowCount
Order = Literal["asc", "desc"] | None
DateFrom = Day | None
DateTo = Day | None

# --- control ----------------------------------------------------------------------------------------------

Confirm = Annotated[
    bool,
    BeforeValidator(_only_true),
    Field(description="Omit to preview; true once the user agreed."),
]
ConfirmCode = Annotated[str | None, Field(max_length=200, description="From the preview.")]
AllowDuplicate = Annotated[
    bool,
    BeforeValidator(_only_true),
    Field(description="Repeat a recent identical call."),
]
Extra = Annotated[
    dict[str, Any] | None,
    Field(description="Further body fields by TaskIP's names."),
]
CLEAR = WithJsonSchema({"type": "array", "items": {"type": "string"}, "description": "Fields to empty."})
"""Mark of `clear`: its names are those of the optional parameters beside it, so that they are not listed twice."""
