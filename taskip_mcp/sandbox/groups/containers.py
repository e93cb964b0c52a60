"""Board columns (contract: container.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.groups.projects import project_of
from taskip_mcp.sandbox.routing import Call, route
from taskip_mcp.sandbox.rules import conflict, invalid
from taskip_mcp.sandbox.store import Row


def _container(call: Call) -> Row:
    return call.find("container", "Container", parent=project_of(call)["id"])


@route("POST /project/{uuid}/container")
def create(call: Call) -> Row:
    """`name` goes in, `title` comes out."""
    project = project_of(call)
    fields = call.valid({"name": "required|string", "color": "string", "order": "integer"})
    last = max((row["order"] for row in call.store.rows("container", parent=project["id"])), default=0)
    row = {
        "title": fields["name"],
        "color": fields.get("color") or "#64748B",
        "order": fields.get("order", last + 1),
    }
    made = call.store.insert("container", row, parent=project["id"])
    data = shapes.select(made, "id", "title", "color", "order") | {
        "project_uuid": project["uuid"],
        "created_at": shapes.php(made["created_at"], "d/M/Y"),
    }
    return {"msg": "Container created successfully", "data": data}


@route("PUT /project/{uuid}/container/{id}/rename")
def rename(call: Call) -> Row:
    """msg alone."""
    row = _container(call)
    call.store.update("container", row["id"], {"title": call.valid({"name": "required|string"})["name"]})
    return {"msg": "Container renamed successfully"}


@route("POST /project/{uuid}/container/{id}/change-color")
def change_color(call: Call) -> Row:
    """msg alone."""
    row = _container(call)
    call.store.update("container", row["id"], call.valid({"color": "required|string"}))
    return {"msg": "Container color changed successfully"}


@route("POST /project/{uuid}/container/change-order")
def reorder(call: Call) -> Row:
    """All or nothing."""
    project = project_of(call)
    rules = {
        "order": "required|array",
        "order.*.container_id": "required|integer",
        "order.*.order": "required|integer",
    }
    known = {row["id"] for row in call.store.rows("container", parent=project["id"])}
    for place, each in enumerate(call.valid(rules)["order"]):
        if each["container_id"] not in known:
            raise invalid({f"order.{place}.container_id": ["The selected container id is invalid."]})
        call.store.update("container", each["container_id"], {"order": each["order"]})
    return {"msg": "Container order changed successfully"}


@route("DELETE /project/{uuid}/container/{id}/delete")
def destroy(call: Call) -> Row:
    """What becomes of the tasks is undocumented; here a column must be empty."""
    row = _container(call)
    if call.store.rows("task", container_id=row["id"]):
        raise conflict("The container still has tasks.")
    call.store.delete("container", row["id"])
    return {"msg": "Container deleted successfully"}


@route("POST /project/{uuid}/container/{id}/move-all-tasks")
def move_all(call: Call) -> Row:
    """Into another column of the same board."""
    row = _container(call)
    number = call.valid({"target_container_id": "required|integer|exists:container"})["target_container_id"]
    target = call.find("container", "Container", number, parent=row["parent"])
    for task in call.store.rows("task", container_id=row["id"]):
        call.store.update("task", task["id"], {"container_id": target["id"]})
    return {"msg": "All tasks moved successfully"}
