"""What a view is, and how a record becomes what the model reads.

Both details have dates in ISO 8601 and labels in the place of numbers. `full` has every field that says something under
TaskIP's own name, and the number of a label as ``<field>_raw``. `concise` is made of parts, in their order: rows of
lists have those that are named in `row`, single records all of them and whatever TaskIP sends beside that is not in
`drops`, so that a field which is new or not documented is never hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from taskip_mcp import dates
from taskip_mcp.views.forms import Part, Parts, bare, cut, empty, list_of, marked, object_of, objects_of

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

Role = Literal["row", "record"]
Labels = Mapping[int, str]
NONE: Mapping[str, Any] = {}
IDENTITY = ("id", "uuid")


@dataclass(frozen=True, slots=True)
class View:
    """The view of one kind of record.

    `dates` and `labels` name fields by their path (``notes.created_at``, whether notes is an object or a list), the
    first with the form in which TaskIP writes it.
    """

    shows: Parts
    row: frozenset[str] = frozenset()
    drops: frozenset[str] = frozenset()
    dates: Mapping[str, str] = field(default_factory=lambda: NONE)
    labels: Mapping[str, Labels] = field(default_factory=lambda: NONE)

    @property
    def head(self) -> Part:
        """By what people know the record: the first part that is no id."""
        return next(part for name, part in self.shows.items() if name not in IDENTITY)

    @property
    def taken(self) -> frozenset[str]:
        """TaskIP's fields that the view knows."""
        parts = self.shows.values()
        return self.drops.union(*[{*part.takes, *part.ids} for part in parts])


def of(
    shows: Parts,
    *,
    row: str,
    drops: str = "",
    dates: Mapping[str, str] = NONE,
    labels: Mapping[str, Labels] = NONE,
) -> View:
    """A view; `row` and `drops` are names with spaces between."""
    wanted = frozenset(row.split())
    if unknown := wanted - shows.keys():
        raise ValueError(f"no part is called {', '.join(sorted(unknown))}")
    return View(shows, wanted, frozenset(drops.split()), dates, labels)


def inside(name: str, paths: Mapping[str, Any]) -> dict[str, Any]:
    """The paths of a record that stands in another one."""
    return {f"{name}.{path}": value for path, value in paths.items()}


def rows_of(name: str, view: View, role: Role = "row") -> Part:
    """A list of records in the record, each in its view; their dates and labels are those of the outer view."""

    def make(record: JsonObject) -> Any:
        found = list_of(record.get(name))
        if found is None:
            return bare(record.get(name))
        return [_made(view, inner, role) if (inner := object_of(row)) is not None else row for row in found]

    return Part((name,), make)


# --- both details -----------------------------------------------------------------------------------------


def full(view: View, record: JsonObject) -> JsonObject:
    """Every field under TaskIP's name."""
    return cast("JsonObject", _written(view, record, "", raw=True))


def concise(view: View, record: JsonObject, role: Role, *, whole: bool = False) -> JsonObject:
    """What is needed, in few words; a `whole` row has all that the record has."""
    return _made(view, cast("JsonObject", _written(view, record, "", raw=False)), role, whole)


def _written(view: View, value: Any, path: str, *, raw: bool) -> Any:
    """A copy with dates and labels; `raw` is that of `full`, without nulls and with the numbers of labels."""
    if isinstance(value, list):
        return [_written(view, item, path, raw=raw) for item in cast("list[Any]", value) if item is not None]
    if not isinstance(value, dict):
        form = view.dates.get(path)
        return marked(value, dates.iso(value, form)) if form and isinstance(value, str) else value
    made: JsonObject = {}
    for name, item in cast("JsonObject", value).items():
        if item is None:
            made |= {} if raw else {name: None}
            continue
        where = f"{path}.{name}" if path else name
        label = _label(view.labels.get(where), item)
        made[name] = _written(view, item, where, raw=raw) if label is None else label
        if raw and label is not None:
            made[f"{name}_raw"] = item
    return made


def _label(labels: Labels | None, value: Any) -> str | None:
    if labels is None or not isinstance(value, int | str):
        return None
    text = str(int(value)) if isinstance(value, bool) else str(value)
    return labels.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 4 else None


# --- concise ----------------------------------------------------------------------------------------------


def _made(view: View, record: JsonObject, role: Role, whole: bool = False) -> JsonObject:
    # A row that lacks what it is known by has a shape that is not the documented one: all of it is shown.
    narrow = role == "row" and not whole and any(name in record for name in view.head.takes)
    made: JsonObject = {}
    for name, part in view.shows.items():
        if narrow and name not in view.row:
            continue
        value = part.make(record)
        if not empty(value):
            made[name] = value
        made |= _other_ids(part, record)
    if not narrow:
        made |= {
            name: value
            for name, item in record.items()
            if name not in view.taken and name not in made and not empty(value := bare(item))
        }
    if made.get("updated_at") == made.get("created_at"):
        made.pop("updated_at", None)
    return cast("JsonObject", cut(made)) if role == "row" else made


def _other_ids(part: Part, record: JsonObject) -> JsonObject:
    """Ids beside an object that are not the id of that object: all of them, where there is no object."""
    if not part.ids:
        return {}
    known = [row.get("id") for name in part.takes for row in objects_of(record.get(name))]
    # An object without an id was shown with the first of these.
    if any(
        (found := object_of(record.get(name))) is not None and found.get("id") is None for name in part.takes
    ):
        known.append(record.get(part.ids[0]))
    others = ((name, record.get(name)) for name in part.ids)
    return {name: value for name, value in others if not empty(value) and value not in known}


# --- fields -----------------------------------------------------------------------------------------------


def chosen(
    view: View, fields: Sequence[str], shown: JsonObject, rest: Callable[[], JsonObject]
) -> JsonObject:
    """The named fields of what is shown, or of the rest that is not, and what the record is known by."""
    identity = [name for name in IDENTITY if name in shown] or list(view.shows)[:1]
    made = {name: shown[name] for name in (*identity, *fields) if name in shown}
    if absent := [name for name in fields if name not in made]:
        other = rest()
        made |= {name: other[name] for name in absent if name in other}
    return made
