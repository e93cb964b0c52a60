"""Columns of a project's board. TaskIP calls them containers; list_tasks shows them with their tasks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Arguments, Child, Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import Color, ContainerId, Nested, Position, ProjectId, Text
from taskip_mcp.results import Written

CONTAINER = "/project/{project_id:uuid}/container/{container_id:id}"
Name = Text


class ContainerPlace(Nested):
    """A column and its new place."""

    container_id: ContainerId
    order: Annotated[Position, Field(description="New place from the left.")]


def _places(arguments: Arguments) -> Inverse:
    """The board shows the places; only those of the named columns are put back."""
    places = merge.places(
        "container_id", "container_id", lambda: [each["container_id"] for each in arguments["order"]]
    )
    return Inverse(back={"order": places}, read="task.list")


@operation(
    "container.create",
    "POST /project/{project_id:uuid}/container",
    Effect.CREATE,
    found=Found("task.list", {"name": "title"}),
)
async def create_container(
    call: Call,
    project_id: ProjectId,
    name: Name,
    color: Color | None = None,
    order: Annotated[Position | None, Field(description="Place from the left; default last.")] = None,
) -> Written:
    """Add a column to a project's board."""
    return await call.write(f"Column {name} created")


@operation(
    "container.rename",
    f"PUT {CONTAINER}/rename",
    Effect.UPDATE,
    shows={"name": "title"},
    undo=Inverse(back={"name": merge.same("title")}),
)
async def rename_container(
    call: Call, project_id: ProjectId, container_id: ContainerId, name: Name
) -> Written:
    """Rename a column of a project's board."""
    return await call.write(f"Column {container_id} renamed", id=container_id)


@operation(
    "container.change_color",
    f"POST {CONTAINER}/change-color",
    Effect.UPDATE,
    undo=Inverse(back={"color": merge.same("color")}),
)
async def update_container_color(
    call: Call, project_id: ProjectId, container_id: ContainerId, color: Color
) -> Written:
    """Change the colour of a board column."""
    return await call.write(f"Column {container_id} coloured", id=container_id)


@operation(
    "container.change_order",
    "POST /project/{project_id:uuid}/container/change-order",
    Effect.UPDATE,
    undo=_places,
)
async def reorder_containers(
    call: Call,
    project_id: ProjectId,
    order: Annotated[list[ContainerPlace], Field(min_length=1)],
) -> Written:
    """Change the order of a board's columns. Name every column."""
    return await call.write(f"{len(order)} columns reordered")


@operation(
    "container.delete",
    f"DELETE {CONTAINER}/delete",
    Effect.DELETE,
    warns="TaskIP does not say what becomes of the tasks in the column: move them first with move_container_tasks.",
    children=(
        Child(
            words="tasks in it",
            read="task.list",
            query={"project_id": "project_id"},
            belongs=lambda task, columns, _: (
                task.get("container_id") in {column.get("container_id") for column in columns}
            ),
            rows="items",
        ),
    ),
    undo=Inverse(
        contract="container.create",
        back={"name": merge.same("title"), "color": merge.same("color"), "order": merge.same("order")},
        remake=True,
        lost="The id and whatever tasks went with the column do not come back.",
    ),
)
async def delete_container(call: Call, project_id: ProjectId, container_id: ContainerId) -> Written:
    """Delete a board column for good; its tasks may be lost: use move_container_tasks first."""
    return await call.write(f"Column {container_id} deleted", id=container_id)


@operation(
    "container.move_all_tasks",
    f"POST {CONTAINER}/move-all-tasks",
    Effect.BULK,
    warns="Which task came from which column is lost.",
    # Only the journal knows which tasks they were: they go back one by one, in the order of the board.
    undo=Inverse(
        contract="task.change_container",
        each="task_id",
        rows="items",
        keep=("container_id",),
        left={"container_id": "target_container_id"},
        lost="The places of the tasks within the column may be others.",
    ),
)
async def move_container_tasks(
    call: Call,
    project_id: ProjectId,
    container_id: ContainerId,
    target_container_id: ContainerId,
) -> Written:
    """Move all tasks of a board column to another. For one task use move_task."""
    return await call.write(
        f"All tasks of column {container_id} moved to column {target_container_id}", id=container_id
    )
