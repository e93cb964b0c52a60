"""Files of tasks and projects. Attaching takes the id of a file that is in the media library already."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskip_mcp.call import Call
from taskip_mcp.facts import Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    ROWS,
    Limit,
    PageNumber,
    ProjectId,
    RecordId,
    TaskId,
)
from taskip_mcp.results import Page, Written

FileId = Annotated[RecordId, Field(description="Media id, from list_task_files or list_project_files.")]
FILES = "/project/{project_id:uuid}/task/{task_id:id}/files"


@operation("task_file.list_all_task_files", "GET /project/{project_id:uuid}/task/files", Effect.READ)
async def list_all_task_files(
    call: Call,
    project_id: ProjectId,
    search: Annotated[str | None, Field(description="Title.")] = None,
    page: PageNumber = None,
    limit: Limit = ROWS,
) -> Page:
    """List the files of all tasks of a project. For one task use list_task_files."""
    return await call.rows(paged=False, query={})


@operation("task_file.list", f"GET {FILES}", Effect.READ, reads="file_id")
async def list_task_files(
    call: Call,
    project_id: ProjectId,
    task_id: TaskId,
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
    """Attach a file that is in TaskIP already to a task. New files cannot be uploaded."""
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
    search: Annotated[str | None, Field(description="Title.")] = None,
    page: PageNumber = None,
    limit: Limit = ROWS,
) -> Page:
    """List all files of a project. To see their tasks use list_all_task_files."""
    return await call.rows(paged=False, query={})
