"""Files of tasks and projects. Attaching takes the id of a file that is in the media library already."""

from __future__ import annotations

from typing import Annotated, Unpack

from pydantic import Field

from taskip_mcp.call import Call
from taskip_mcp.facts import Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    ProjectId,
    RecordId,
    TaskId,
    UnverifiedFilters,
)
from taskip_mcp.results import Page, Written

FileId = Annotated[RecordId, Field(description="Media id of the file (list_task_files, list_project_files).")]
FILES = "/project/{project_id:uuid}/task/{task_id:id}/files"


@operation("task_file.list_all_task_files", "GET /project/{project_id:uuid}/task/files", Effect.READ)
async def list_all_task_files(
    call: Call,
    project_id: ProjectId,
    **filters: Unpack[UnverifiedFilters],
) -> Page:
    """List the files of all tasks of a project, each with its task. For one task use list_task_files."""
    return await call.rows(paged=False)


@operation("task_file.list", f"GET {FILES}", Effect.READ, reads="file_id")
async def list_task_files(
    call: Call,
    project_id: ProjectId,
    task_id: TaskId,
    **filters: Unpack[UnverifiedFilters],
) -> Page:
    """List the files of one task."""
    return await call.rows(paged=False)


@operation(
    "task_file.attach",
    f"POST {FILES}",
    Effect.CREATE,
    found=Found("task_file.list", {"file_id": "media.id"}, unique=True),
)
async def attach_task_file(call: Call, project_id: ProjectId, task_id: TaskId, file_id: FileId) -> Written:
    """Attach a file that is already in TaskIP to a task. The API cannot upload new files for tasks."""
    return await call.write(f"File {file_id} attached to task {task_id}", id=file_id)


# Whether the media itself goes or only the link is not stated (contract task_file.delete): both are lost to the task.
@operation(
    "task_file.delete",
    f"DELETE {FILES}",
    Effect.DELETE,
    warns="TaskIP does not say whether only the link to the file goes or the file itself.",
    undo=Inverse(
        contract="task_file.attach",
        keep=("file_id",),
        remake=True,
        lost="If TaskIP deleted the file itself, it does not come back. Its place among the files may be another.",
    ),
)
async def delete_task_file(call: Call, project_id: ProjectId, task_id: TaskId, file_id: FileId) -> Written:
    """Delete a file from a task for good."""
    return await call.write(f"File {file_id} deleted from task {task_id}", id=file_id)


@operation("task_file.list_project_files", "GET /project/{project_id:uuid}/files", Effect.READ)
async def list_project_files(
    call: Call,
    project_id: ProjectId,
    **filters: Unpack[UnverifiedFilters],
) -> Page:
    """List all files of a project, without the tasks they belong to; for those use list_all_task_files."""
    return await call.rows(paged=False)
