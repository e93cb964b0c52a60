"""Labels and assignees of a task. Removing takes a DELETE with a JSON body (contract quirk 21)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskip_mcp.call import Call
from taskip_mcp.facts import Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import LabelId, MemberId, ProjectId, TaskId
from taskip_mcp.results import Written

AssigneeId = Annotated[MemberId, Field(description="Team member.")]
LABEL = "/project/{project_id:uuid}/task/{task_id:id}/label"
NOTIFIED = "TaskIP does not say whether the member is notified."
ASSIGNEE = "/project/{project_id:uuid}/task/{task_id:id}/assignee"


@operation(
    "task_label.add",
    f"POST {LABEL}",
    Effect.UPDATE,
    idempotent=False,
    shows={"label_id": "+labels"},
    undo=Inverse(contract="task_label.remove", keep=("label_id",)),
)
async def add_task_label(call: Call, project_id: ProjectId, task_id: TaskId, label_id: LabelId) -> Written:
    """Put a label on a task. For a new label use create_project_attribute first."""
    return await call.write(f"Label {label_id} added to task {task_id}", id=task_id)


@operation(
    "task_label.remove",
    f"DELETE {LABEL}",
    Effect.UPDATE,
    shows={"label_id": "-labels"},
    undo=Inverse(
        contract="task_label.add", keep=("label_id",), lost="Its place among the labels may be another."
    ),
)
async def remove_task_label(call: Call, project_id: ProjectId, task_id: TaskId, label_id: LabelId) -> Written:
    """Take a label off a task. To delete the label everywhere use delete_project_attribute."""
    return await call.write(f"Label {label_id} removed from task {task_id}", id=task_id)


@operation(
    "task_label.add_assignee",
    f"POST {ASSIGNEE}",
    Effect.UPDATE,
    idempotent=False,
    shows={"assignee_id": "+assignees"},
    undo=Inverse(contract="task_label.remove_assignee", keep=("assignee_id",), lost=NOTIFIED),
)
async def add_task_assignee(
    call: Call, project_id: ProjectId, task_id: TaskId, assignee_id: AssigneeId
) -> Written:
    """Assign a team member to a task, who may be notified."""
    return await call.write(f"Team member {assignee_id} assigned to task {task_id}", id=task_id)


@operation(
    "task_label.remove_assignee",
    f"DELETE {ASSIGNEE}",
    Effect.UPDATE,
    shows={"assignee_id": "-assignees"},
    undo=Inverse(
        contract="task_label.add_assignee",
        keep=("assignee_id",),
        lost=f"The place among the assignees may be another. {NOTIFIED}",
    ),
)
async def remove_task_assignee(
    call: Call, project_id: ProjectId, task_id: TaskId, assignee_id: AssigneeId
) -> Written:
    """Take a team member off a task."""
    return await call.write(f"Team member {assignee_id} removed from task {task_id}", id=task_id)
