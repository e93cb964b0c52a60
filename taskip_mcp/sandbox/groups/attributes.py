"""Project attributes: tags, categories, priorities, labels (contract: project_attribute.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.store import Row

RULES = {"title": "required|string|max:191", "color": "required|string|max:50", "type": "required|string"}
USES = (("project", "tags"), ("project", "category"), ("task", "labels"))


def present(row: Row) -> Row:
    """id, title, color, type."""
    return shapes.select(row, "id", "title", "color", "type")


@route("GET /project/attribute/all")
def index(call: Call) -> Row:
    """Fifteen a page, all types mixed."""
    rows = shapes.matching(call.store.rows("attribute"), call.query, search=("title",))
    return call.page(rows, present, default=15)


@route("POST /project/attribute")
def create(call: Call) -> Answer:
    """201."""
    row = call.store.insert("attribute", call.valid(RULES))
    return Answer({"msg": "Attribute created successfully", "data": present(row)}, 201)


@route("PUT /project/attribute/{id}/update")
def update(call: Call) -> Row:
    """All three fields are required."""
    row = call.find("attribute", "ProjectAttribute")
    call.store.update("attribute", row["id"], call.valid(RULES))
    return {"msg": "Attribute updated successfully"}


@route("DELETE /project/attribute/{id}/delete")
def destroy(call: Call) -> Row:
    """It disappears from every project and task."""
    row = call.find("attribute", "ProjectAttribute")
    for kind, field in USES:
        for each in call.store.rows(kind):
            numbers = shapes.numbers(each, field)
            if row["id"] in numbers:
                rest = [number for number in numbers if number != row["id"]]
                call.store.update(kind, each["id"], {field: rest})
    call.store.delete("attribute", row["id"])
    return {"msg": "Attribute deleted successfully"}


@route("POST /project/attribute/tags/update")
def bulk_tags(call: Call) -> Row:
    """The documented body names no tag; here it recolours those with the title."""
    fields = call.valid(RULES)
    for row in call.store.rows("attribute", type="tag", title=fields["title"]):
        call.store.update("attribute", row["id"], {"color": fields["color"]})
    return {"msg": "Tags updated successfully"}


@route("POST /project/attribute/categories/update")
def bulk_categories(call: Call) -> Row:
    """One category on many projects, replacing theirs."""
    fields = call.valid(
        {
            "project_ids": "required|array",
            "project_ids.*": "integer|exists:project",
            "category_id": "required|integer|exists:attribute",
        }
    )
    for number in fields["project_ids"]:
        call.store.update("project", number, {"category": [fields["category_id"]]})
    return {"msg": "Categories updated successfully"}
