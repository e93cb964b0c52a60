"""Tasks on a project's board."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Arguments, Back, Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ContainerId,
    Day,
    DocumentId,
    LabelId,
    MemberId,
    Nested,
    Position,
    ProjectId,
    TaskId,
    Text,
)
from taskip_mcp.results import Page, Record, Written

TASKS = "/project/{project_id:uuid}/task"
TASK = TASKS + "/{task_id:id}"

Title = Text


def _word(value: str) -> str:
    # Other systems number their priorities: TaskIP would store "1" as a word that nobody uses.
    if not any(map(str.isalpha, value)):
        raise ValueError("give a word such as low, medium, high, critical")
    return value


# The contract has seen these four and no list; text keeps a workspace's own values possible.
Priority = Annotated[
    str, AfterValidator(_word), Field(min_length=1, description="Such as low, medium, high, critical.")
]
Description = str | None
DueDate = Day | None
Place = Annotated[Position | None, Field(description="Place in the column.")]
Assignees = Annotated[list[MemberId] | None, Field(description="Team members.")]
Labels = list[LabelId] | None
Documents = list[DocumentId] | None
Clearable = Literal["priority", "description", "due_date", "assignee_ids", "label_ids", "document_ids"]

# Parameter -> body field.
NAMES = {"assignee_ids": "assignees", "label_ids": "labels", "document_ids": "documents"}
PLAIN = ("title", "container_id", "priority", "description", "due_date", "order")


def _place(record: Record) -> int | None:
    """The single read shows a number; lists show the due date under the same name (schema task)."""
    order = record.get("order")
    return order if isinstance(order, int) else None


# What a single read shows of each writable field (schema task_detail); the update replaces (contract task.update).
BACK = {
    "title": merge.same("title"),
    "priority": merge.same("priority"),
    "description": merge.same("description"),
    "due_date": merge.day("due_date", "%d/%b/%Y", "%Y-%m-%d"),
    "order": _place,
    "container_id": merge.one_id("container"),
    "assignees": merge.ids("assignees"),
    "labels": merge.ids("labels"),
    "documents": merge.ids("documents"),
}


BEFORE: dict[str, Back] = {name: BACK[NAMES.get(name, name)] for name in (*PLAIN, *NAMES)}


class TaskPlace(Nested):
    """A task and its new place in the column."""

    task_id: TaskId
    order: Annotated[Position, Field(description="New place from the top.")]


def _places(arguments: Arguments) -> Inverse:
    """The board shows the tasks of a column in their order, but not the numbers (contract quirk 18, schema task)."""

    def before(state: Record) -> list[Record]:
        tasks = [
            task["id"]
            for column in cast("list[Record]", state.get("items"))
            if column.get("container_id") == arguments["container_id"]
            for task in cast("list[Record]", column.get("items") or [])
        ]
        if not {each["task_id"] for each in arguments["order"]} <= set(tasks):
            raise merge.UnmappableError("not all of the tasks were in the column")
        return [{"task_id": number, "order": place} for place, number in enumerate(tasks, 1)]

    return Inverse(
        back={"order": before},
        keep=("container_id",),
        read="task.list",
        lost="TaskIP shows the order of a column and not the numbers behind it: its tasks are numbered from 1.",
    )


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    return {NAMES.get(name, name): value for name, value in fields.items()}


@operation("task.list", f"GET {TASKS}", Effect.READ, reads="container_id")
async def list_tasks(
    call: Call,
    project_id: ProjectId,
    container_id: ContainerId | None = None,
    assigned_to: MemberId | None = None,
    is_completed: bool | None = None,
    search: Annotated[str | None, Field(description="Title or description.")] = None,
) -> Page:
    """Show a project's board: columns with their tasks. For all projects use list_all_tasks."""
    page = await call.rows(query={})  # the filters are ours (see `taskip_mcp.filters`)
    # The counters are of tasks, the rows are columns, and a column's own id is of no use (contract task.list).
    columns = [{name: value for name, value in row.items() if name != "id"} for row in page.items]
    return replace(page, items=columns, total=None, next_page=None)


@operation(
    "task.create",
    f"POST {TASKS}",
    Effect.CREATE,
    found=Found(
        "task.list", {"title": "title", "container_id": "container_id"}, rows="items", age="created_at"
    ),
)
async def create_task(
    call: Call,
    project_id: ProjectId,
    title: Title,
    container_id: ContainerId,
    priority: Priority | None = None,
    description: Description = None,
    due_date: DueDate = None,
    order: Place = None,
    assignee_ids: Assignees = None,
    label_ids: Labels = None,
    document_ids: Documents = None,
) -> Written:
    """Create a task in a column of a project's board."""
    return await call.write(f"Task {title} created", key="task", body=_named(call.given))


@operation("task.get", f"GET {TASK}", Effect.READ, reads="task_id")
async def get_task(call: Call, project_id: ProjectId, task_id: TaskId) -> Record:
    """Get one task with labels, files, comments, documents and assignees."""
    return await call.record()


@operation("task.update", f"PUT {TASK}", Effect.UPDATE, undo=Inverse(back=BEFORE))
async def update_task(
    call: Call,
    project_id: ProjectId,
    task_id: TaskId,
    title: Title | None = None,
    container_id: ContainerId | None = None,
    priority: Priority | None = None,
    description: Description = None,
    due_date: DueDate = None,
    order: Place = None,
    assignee_ids: Assignees = None,
    label_ids: Labels = None,
    document_ids: Documents = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a task; the rest stays, lists are replaced. To move it use move_task, to finish it
    complete_task."""
    record = await call.read("task.get", project_id=project_id, task_id=task_id)
    cleared = [NAMES.get(name, name) for name in clear or []]
    body = merge.merged(record, _named(call.given), BACK, cleared)
    return await call.write(f"Task {task_id} updated", key="task", id=task_id, body=body)


@operation(
    "task.delete",
    f"DELETE {TASK}",
    Effect.DELETE,
    undo=Inverse(
        contract="task.create",
        back=BEFORE,
        remake=True,
        lost="The id, comments, files, the creator and whether it was completed do not come back.",
    ),
)
async def delete_task(call: Call, project_id: ProjectId, task_id: TaskId) -> Written:
    """Delete a task for good. To finish it use complete_task."""
    return await call.write(f"Task {task_id} deleted", id=task_id)


@operation("task.change_order", f"POST {TASKS}/change-order", Effect.UPDATE, undo=_places)
async def reorder_tasks(
    call: Call,
    project_id: ProjectId,
    container_id: ContainerId,
    order: Annotated[list[TaskPlace], Field(min_length=1)],
) -> Written:
    """Change the order of tasks in a column. To another column use move_task."""
    # The elements' key differs from list to list: item_id here (contract task.change_order).
    places = [{"item_id": place.task_id, "order": place.order} for place in order]
    return await call.write(
        f"{len(order)} tasks reordered", body={"container_id": container_id, "order": places}
    )


@operation(
    "task.change_container",
    f"POST {TASK}/change-container",
    Effect.UPDATE,
    # Without its place a task that is moved back might go to the end.
    undo=Inverse(
        back={name: BEFORE[name] for name in ("container_id", "order")},
        whole=True,
        lost="Other tasks of both columns may have got other places.",
    ),
)
async def move_task(
    call: Call, project_id: ProjectId, task_id: TaskId, container_id: ContainerId, order: Place = None
) -> Written:
    """Move a task to another column. For all tasks of a column use move_container_tasks."""
    return await call.write(f"Task {task_id} moved to column {container_id}", id=task_id)


@operation(
    "task.change_priority",
    f"POST {TASK}/change-priority",
    Effect.UPDATE,
    undo=Inverse(back={"priority": BEFORE["priority"]}),
)
async def update_task_priority(
    call: Call, project_id: ProjectId, task_id: TaskId, priority: Priority
) -> Written:
    """Set a task's priority."""
    return await call.write(f"Priority of task {task_id} set to {priority}", id=task_id)


@operation(
    "task.mark_complete",
    f"POST {TASK}/mark-as-complete",
    Effect.UPDATE,
    undo=Inverse(back={"is_completed": merge.word("is_completed", merge.TRUTH)}),
)
async def complete_task(
    call: Call,
    project_id: ProjectId,
    task_id: TaskId,
    is_completed: Annotated[bool, Field(description="false opens it again.")],
) -> Written:
    """Mark a task as complete, or open it again."""
    words = "completed" if is_completed else "opened again"
    return await call.write(
        f"Task {task_id} {words}", key="stats", id=task_id, body={"is_completed": int(is_completed)}
    )
