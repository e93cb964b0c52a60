"""Tags, categories, priorities and labels: one list for the whole workspace, told apart by type."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.errors import MissingError, UnsupportedError
from taskip_mcp.facts import Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.pages import collect
from taskip_mcp.params import (
    AttributeId,
    CategoryId,
    PageNumber,
    RecordId,
    ShortText,
)
from taskip_mcp.results import Page, Record, Written

Title = ShortText
# Not `params.Color`: the contract allows 50 characters, and says hex in its note alone.
AttributeColor = Annotated[str, Field(min_length=1, max_length=50, description="Such as #1E90FF.")]
# The contract has seen these four; the list of types is not published.
Type = Annotated[str, Field(min_length=1, description="Such as tag, category, priority, label.")]
BACK = {"title": merge.same("title"), "color": merge.same("color"), "type": merge.same("type")}
PAGES, SIZE = 20, 15
"""Pages that are searched; TaskIP has no single read and shows 15 a page (contract project_attribute.list)."""


@operation("project_attribute.list", "GET /project/attribute/all", Effect.READ, reads="attribute_id")
async def list_project_attributes(
    call: Call,
    type: Type | None = None,
    search: Annotated[str | None, Field(description="Title.")] = None,
    page: PageNumber = None,
) -> Page:
    """List the workspace's tags, categories, priorities and labels."""
    # No document has a parameter of this list, but it has pages, and the reference promises a search. Whether TaskIP
    # heeds it or not, the rows are chosen by `taskip_mcp.filters`.
    if page is not None or (type is None and search is None):
        return await call.rows(query={"search": search, "page": page})

    # Chosen from one page of all types, the rest would be behind pages that may well hold none of it.
    async def fetch(number: int) -> Page:
        one = Call(call.backend, call.operation, {"page": number})
        return await one.rows(query={"search": search, "page": number if number > 1 else None})

    found = await collect(fetch, size=SIZE, most=PAGES, at_once=2)
    if found.complete:
        return Page(found.items, len(found.items))
    return Page(found.items, None, found.next_page, f"Only {found.pages} pages were searched. {found.reason}")


@operation(
    "project_attribute.create",
    "POST /project/attribute",
    Effect.CREATE,
    found=Found(
        "project_attribute.list", {"title": "title", "color": "color", "type": "type"}, {"search": "title"}
    ),
)
async def create_project_attribute(call: Call, title: Title, color: AttributeColor, type: Type) -> Written:
    """Create a tag, category, priority or label for projects and tasks."""
    return await call.write(f"{title} created")


@operation(
    "project_attribute.update",
    "PUT /project/attribute/{attribute_id:id}/update",
    Effect.UPDATE,
    undo=Inverse(back=BACK),
)
async def update_project_attribute(
    call: Call,
    attribute_id: AttributeId,
    title: Title | None = None,
    color: AttributeColor | None = None,
    type: Type | None = None,
) -> Written:
    """Change a tag, category, priority or label everywhere it is used."""
    # All three fields are required by TaskIP (contract project_attribute.update).
    complete = {"title", "color", "type"} <= call.given.keys()
    body = call.given if complete else call.merge(await _find(call, attribute_id), BACK)
    return await call.write(f"Attribute {attribute_id} updated", id=attribute_id, body=body)


async def _find(call: Call, attribute_id: int) -> Record:
    """The attribute, from the list: page by page, as there is no single read."""
    # Without a size: the list takes no limit, and nobody knows how many rows a full page of it has.
    found = await collect(
        lambda page: call.read("project_attribute.list", page=page),
        most=PAGES,
        at_once=1,
        until=lambda row: row.get("id") == attribute_id,
    )
    if found.found:
        return found.found
    if not found.complete:
        raise UnsupportedError(
            f"Attribute {attribute_id} was not found in {found.pages} pages. Nothing was sent. {found.reason} Give"
            " title, color and type, so that it need not be read."
        )
    raise MissingError(
        f"TaskIP does not list attribute {attribute_id}",
        operation=call.operation.contract,
        status=404,
        outcome="unchanged",
    )


@operation(
    "project_attribute.delete",
    "DELETE /project/attribute/{attribute_id:id}/delete",
    Effect.DELETE,
    warns="It disappears from every project and task that uses it.",
    undo=Inverse(
        contract="project_attribute.create",
        back=BACK,
        remake=True,
        lost="The id and its place on projects and tasks do not come back.",
    ),
)
async def delete_project_attribute(call: Call, attribute_id: AttributeId) -> Written:
    """Delete a tag, category, priority or label everywhere. Off one task: remove_task_label."""
    return await call.write(f"Attribute {attribute_id} deleted", id=attribute_id)


# The documented body is a copy of create, with no ids and no list (contract project_attribute.bulk_update_tags).
@operation(
    "project_attribute.bulk_update_tags",
    "POST /project/attribute/tags/update",
    Effect.BULK,
    warns="TaskIP documents no list of tags for this call, so which tags change is not known beforehand.",
)
async def bulk_update_project_tags(call: Call, title: Title, color: AttributeColor, type: Type) -> Written:
    """Update tags as TaskIP documents it, which names no tag. Prefer update_project_attribute."""
    return await call.write("Tags updated")


@operation(
    "project_attribute.bulk_update_categories",
    "POST /project/attribute/categories/update",
    Effect.BULK,
    chunk="project_ids",
    shows={"category_id": "+categories"},
    warns="The category replaces the categories that the projects had.",
    undo=Inverse(
        contract="project.update",
        each="project_id",
        back={"category_ids": merge.ids("categories")},
        left={"category_ids": "category_id"},
    ),
)
async def bulk_update_project_categories(
    call: Call,
    project_ids: Annotated[list[RecordId], Field(min_length=1)],
    category_id: CategoryId,
) -> Written:
    """Set one category on several projects, replacing theirs. For one use update_project_category."""
    return await call.write(f"Category {category_id} set on {len(project_ids)} projects")
