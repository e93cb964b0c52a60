"""Signature of an operation -> argument model, published schema, validation with words for a model.

The schema is slim on purpose: no ``$ref``, titles, nulls or null defaults, which cost context and trip clients. What is
published leaves out the bounds as well: they are checked here, and an error names them to the few that need it.
"""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from taskip_mcp import show
from taskip_mcp.errors import ArgumentError, legible
from taskip_mcp.filters import folded, refusal, spelled
from taskip_mcp.operation import Consequence, Operation, Tool
from taskip_mcp.params import CURRENCY, PATTERN_WORDS, AllowDuplicate, Confirm, ConfirmCode
from taskip_mcp.redact import clean, is_secret, learn
from taskip_mcp.wire import JsonObject, unsendable

Detail = Annotated[
    Literal["concise", "full"] | None,
    BeforeValidator(lambda value: "full" if value is True else value),
    Field(description="full: all fields, as TaskIP has them."),
]
Fields = Annotated[list[str] | None, Field(description="Only these fields.")]

TOLD = 10
"""Problems that an error names."""


@cache
def model_of(operation: Tool) -> type[BaseModel]:
    """The pydantic model of an operation's arguments; built on the first call, then kept."""
    hints = get_type_hints(operation.function, include_extras=True)
    fields: dict[str, Any] = {}
    # The first parameter is the call, or the backend of the server's own tools.
    for name, parameter in list(inspect.signature(operation.function).parameters.items())[1:]:
        if (
            parameter.kind is inspect.Parameter.VAR_KEYWORD
        ):  # `**filters: Unpack[...]`: each key is an argument
            shared = get_type_hints(get_args(hints[name])[0], include_extras=True)
            fields |= {key: (hint, Field(default=None)) for key, hint in shared.items()}
        else:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[name] = (hints[name], Field(default=default))
    if show.viewed(operation):
        fields["detail"] = (Detail, Field(default=None))
    if show.wide(operation):
        fields["fields"] = (Fields, Field(default=None))
    if operation.gated:
        fields["confirm"] = (Annotated[Confirm, Field(description=_when(operation))], Field(default=False))
        fields["confirm_code"] = (ConfirmCode, Field(default=None))
    if operation.guarded:
        fields["allow_duplicate"] = (AllowDuplicate, Field(default=False))
    return create_model(operation.name, __config__=ConfigDict(extra="forbid"), **fields)


DOES = {
    Consequence.MONEY: "moves money",
    Consequence.SEND: "mails somebody",
    Consequence.ACCESS: "gives access",
    Consequence.DELETE: "deletes",
}


def _when(operation: Tool) -> str:
    """What `confirm` is for: of some tools only some calls have consequences, and the others run at once."""
    if operation.judge is None or operation.judge({}):
        return "Omit to preview; true once the user agreed."
    does = " or ".join(words for found, words in DOES.items() if found in operation.possible)
    return f"If it {does}: omit to preview, true once the user agreed. Else it runs at once."


def validate(operation: Tool, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as the model sent them -> values; raises `ArgumentError` that names each wrong one."""
    model = model_of(operation)
    # null and "left out" mean the same to most callers.
    parsed = {name: _parsed(model, name, value) for name, value in raw.items() if value is not None}
    if isinstance(operation, Operation):
        parsed = {
            name: spelled(operation.contract, name, value) if isinstance(value, str) else value
            for name, value in parsed.items()
        }
    if isinstance(operation, Operation):
        _refuse_filters(operation, model, parsed)
    if wrong := next(((name, why) for name, value in parsed.items() if (why := unsendable(value))), None):
        raise ArgumentError(f"{legible(wrong[0])}: {wrong[1]}. Nothing was sent.")
    learn(parsed)
    try:
        values = model.model_validate(parsed)
    except ValidationError as error:
        raise ArgumentError(_explain(operation, model, error)) from None
    return {name: getattr(values, name) for name in model.model_fields}


def reference(tool: Tool, parameter: str, text: str, told_as: str) -> Any:
    """The id or the name of a record, as a parameter of its read takes it; errors call that `told_as`."""
    try:
        return validate(tool, {parameter: text})[parameter]
    except ArgumentError as error:
        raise ArgumentError(str(error).replace(parameter, told_as, 1)) from None


def _refuse_filters(operation: Operation, model: type[BaseModel], given: Mapping[str, Any]) -> None:
    """A filter that TaskIP does not have is refused with what can be done instead, not as a misspelt argument."""
    for name in given:
        if name not in model.model_fields and (why := refusal(operation.contract, name)):
            raise ArgumentError(f"{legible(name)}: {why} Nothing was sent.")


def _parsed(model: type[BaseModel], name: str, value: Any) -> Any:
    """What is meant: hosts send lists and objects as JSON text, models one value for a list, or a word as people write
    it."""
    if not isinstance(value, str) or name not in model.model_fields:
        return value
    schema = _schema(model)["properties"][name]
    if schema.get("type") in {"array", "object"}:
        return _from_text(name, value, schema)
    if schema.get("pattern") == CURRENCY:
        return value.strip().upper()
    if value in (words := schema.get("enum", [])):
        return value
    return _word(value, words)


def _word(value: Any, words: Sequence[Any]) -> Any:
    """One of the words, if it is that in other spelling."""
    return next((word for word in words if isinstance(word, str) and folded(word) == folded(value)), value)


def _from_text(name: str, value: str, schema: JsonObject) -> Any:
    if value.strip()[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if schema["type"] != "array" or schema["items"].get("type") == "object":
        return value
    # Names may have commas inside; those of fields have none.
    parts = [part.strip() for part in value.split(",")] if name == "fields" else [value]
    return [_word(part, schema["items"].get("enum", [])) for part in parts]


def _explain(operation: Tool, model: type[BaseModel], error: ValidationError) -> str:
    lines: list[str] = []
    unknown = False
    for problem in error.errors(include_url=False):
        where = _where(problem["loc"])
        if problem["type"] == "extra_forbidden":
            alone = len(problem["loc"]) == 1
            unknown = unknown or alone
            lines.append(
                _unknown(str(problem["loc"][0]), model)
                if alone
                else f"{where}: there is no such field. It takes {_beside(model, problem['loc'])}."
            )
        elif problem["type"] == "missing":
            lines.append(f"{where}: required.")
        else:
            lines.append(f"{where}: {_reason(problem)}{_got(where, problem['input'])}")
    accepted = f" {operation.name} accepts: {', '.join(model.model_fields)}." if unknown else ""
    told = list(dict.fromkeys(lines))
    more = f" And {len(told) - TOLD} more." if len(told) > TOLD else ""
    return f"{clean(' '.join(told[:TOLD]))}{more}{accepted} Nothing was sent."


def _where(location: tuple[int | str, ...]) -> str:
    # Union branches and function wrappers add parts that are no argument names.
    parts = [part for part in location if isinstance(part, int) or not any(sign in part for sign in "[(-")]
    return ".".join(legible(str(part)) for part in parts)


def _beside(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The fields of the object that a location inside the arguments is of."""
    node = _schema(model)
    for part in location[:-1]:
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, node)
    return ", ".join(node.get("properties", {})) or "others"


def _unknown(name: str, model: type[BaseModel]) -> str:
    near = difflib.get_close_matches(name[:60], model.model_fields, n=1)
    return f"{legible(name)}: there is no such argument" + (f"; did you mean {near[0]}?" if near else ".")


def _reason(problem: Mapping[str, Any]) -> str:
    context = cast("dict[str, Any]", problem.get("ctx") or {})
    if problem["type"] == "literal_error":
        return "must be one of " + str(context["expected"]).replace(" or ", ", ").replace("'", "")
    if problem["type"] == "string_pattern_mismatch":
        return "give " + PATTERN_WORDS.get(context["pattern"], f"text that matches {context['pattern']}")
    if str(problem["type"]).startswith("date"):
        return "give a day as YYYY-MM-DD"
    text = str(problem["msg"]).removeprefix("Value error, ")
    return text[0].lower() + text[1:].replace("Input should", "should")


def _got(where: str, value: Any) -> str:
    """The rejected value, cut short; never one that may be a secret."""
    if is_secret(where) or isinstance(value, dict | list):
        return "."
    text = repr(value)
    return f" (got {legible(text)})."


# --- the published schema ---------------------------------------------------------------------------------


UNPUBLISHED = frozenset(
    {
        "additionalProperties", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
        "minItems", "maxItems", "default",
    }
)  # fmt: skip
"""Bounds: they cost a quarter of the context that all tools take."""


@cache
def schema_of(operation: Tool) -> JsonObject:
    """The input schema that the model reads."""
    return cast("JsonObject", _published(strict_schema_of(operation)))


def strict_schema_of(operation: Tool) -> JsonObject:
    """The same with every bound that is checked."""
    return _schema(model_of(operation))


def _argument(node: JsonObject) -> JsonObject:
    """One argument. An object of any fields is published as its JSON text, which is taken as well: Gemini refuses a
    whole list of tools for an object that names no fields, and OpenAI cannot make one strict."""
    slim = cast("JsonObject", _published(node))
    if slim.get("type") != "object" or slim.get("properties"):
        return slim
    return slim | {"type": "string", "description": f"{slim.get('description', '')} A JSON object.".strip()}


def _published(node: Any) -> Any:
    """A schema without its bounds; names of properties may be the same words and stay."""
    if isinstance(node, list):
        return [_published(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _argument(child) for name, child in cast("JsonObject", value).items()}
        if key == "properties"
        else _published(value)
        for key, value in cast("JsonObject", node).items()
        if key not in UNPUBLISHED
    }


@cache
def _schema(model: type[BaseModel]) -> JsonObject:
    raw = model.model_json_schema()
    definitions = cast("JsonObject", raw.pop("$defs", {}))
    slim = cast("JsonObject", _slim(raw, definitions))
    slim.setdefault("properties", {})
    slim.pop("description", None)
    return slim


def _slim(node: Any, definitions: JsonObject) -> Any:
    if isinstance(node, list):
        return [_slim(item, definitions) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    schema = _flat(cast("JsonObject", node), definitions)
    slim: JsonObject = {}
    for key, value in schema.items():
        if key == "properties":
            slim[key] = {name: _slim(child, definitions) for name, child in cast("JsonObject", value).items()}
        elif key == "const":
            slim["enum"] = [value]
        elif key == "title" or (key == "default" and value is None):
            continue
        else:
            slim[key] = _slim(value, definitions)
    if slim.get("additionalProperties") is True:
        del slim["additionalProperties"]
    return slim


def _flat(schema: JsonObject, definitions: JsonObject) -> JsonObject:
    """Inline a ``$ref`` and drop the null branch of an optional; siblings win over what they wrap."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        target = dict(cast("JsonObject", definitions[name]))
        target.pop("description", None)  # the class docstring is for readers of the code
        return _flat(target | {key: value for key, value in schema.items() if key != "$ref"}, definitions)
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        kept = [branch for branch in cast("list[JsonObject]", branches) if branch.get("type") != "null"]
        if len(kept) == 1:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            return _flat({**_flat(kept[0], definitions), **rest}, definitions)
    return schema
