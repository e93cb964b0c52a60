"""Projects and what happened in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Arguments, Back, Child, Found, Inverse
from taskip_mcp.named import Named
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    CategoryId,
    ContactId,
    Day,
    Limit,
    LookupId,
    MemberId,
    Order,
    PageNumber,
    ProjectId,
    ProjectTagId,
    RecordId,
    ShortText,
    Text,
)
from taskip_mcp.results import Page, Record, Written

Title = ShortText
Description = str | None
# Labels of the numbers are not published; a sample calls 4 high (contract project.create).
PriorityNumber = Annotated[int, Field(ge=1, le=5, description="1 to 5; 4 is high.")]
PriorityWord = Literal["low", "medium", "high", "critical"]
Privacy = Literal["private", "public"]
Status = Annotated[
    Text,
    Field(description="Such as planning, active, on_hold, completed, cancelled."),
]
StartedAt = Day | None
EndedAt = Day | None
Clients = Annotated[list[ContactId] | None, Field(description="Contacts.")]
Tags = list[ProjectTagId] | None
Categories = list[CategoryId] | None
Assignees = Annotated[list[MemberId] | None, Field(description="Team members.")]
Managers = Annotated[list[MemberId] | None, Field(description="Team members.")]
NotifyClient = Annotated[bool | None, Field(description="Mails the clients.")]
Clearable = Literal[
    "description", "started_at", "ended_at", "client_ids", "tag_ids", "category_ids", "assignee_ids",
    "project_manager_ids", "complete_status_id",
]  # fmt: skip
# The numeric id alone is taken here (contract project.all_tasks).
ProjectNumber = Annotated[RecordId, Named("project")]
FromDate = Day | None
ToDate = Day | None

# Parameter -> body field.
NAMES = {
    "client_ids": "client",
    "tag_ids": "tags",
    "category_ids": "category",
    "assignee_ids": "assignee",
    "project_manager_ids": "project_manager",
}
PARAMETERS = (
    "title", "description", "priority", "status", "started_at", "ended_at", *NAMES, "complete_status_id",
)  # fmt: skip
PRIVACY = {"private": 0, "public": 1}
DATES = ("%d-%b-%Y", "%Y-%m-%d")
# What the single read shows of each writable field; the update replaces them all (contract project.update).
BACK = {
    "title": merge.same("title"),
    "description": merge.same("description"),
    "priority": merge.same("priority"),
    "privacy": merge.same("privacy"),
    "status": merge.same("status"),
    "started_at": merge.day("started_at", *DATES),
    "ended_at": merge.day("ended_at", *DATES),
    "client": merge.ids("client"),
    "tags": merge.ids("tags"),
    "category": merge.ids("categories"),
    "assignee": merge.ids("assignees"),
    "project_manager": merge.ids("project_manager"),
    "complete_status_id": merge.same("complete_status_id"),
}


BEFORE: dict[str, Back] = {
    **{name: BACK[NAMES.get(name, name)] for name in PARAMETERS},
    "privacy": merge.word("privacy", {number: word for word, number in PRIVACY.items()}),
}
LOGGED = "The project's activity shows both changes."


def _mails(arguments: Arguments) -> set[Consequence]:
    return {Consequence.SEND} if arguments.get("notify_client") else set()


def _mailed(arguments: Arguments, project: Record) -> list[str]:
    """Which clients are mailed: those that the project is to have, or has."""
    if numbers := arguments.get("client_ids"):
        return [f"It goes to these contacts: {', '.join(map(str, numbers))}."]
    clients = cast("list[Record]", project.get("client") or [])
    people = ", ".join(str(each.get("email") or each.get("name")) for each in clients)
    return [f"It goes to {people or 'the clients of the project, whom TaskIP does not show'}."]


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    named = {NAMES.get(name, name): value for name, value in fields.items()}
    return named | ({"privacy": PRIVACY[named["privacy"]]} if "privacy" in named else {})


@operation("project.list", "GET /project", Effect.READ)
async def list_projects(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Name or description.")] = None,
    sort: Literal["name", "status", "start_date", "end_date", "created_at"] | None = None,
    order: Order = None,
    status: Annotated[str | None, Field(description="Such as active.")] = None,
    client_id: ContactId | None = None,
    assigned_to: MemberId | None = None,
) -> Page:
    """List projects with status, people and progress. For tasks use list_tasks."""
    return await call.rows()


@operation(
    "project.create",
    "POST /project",
    Effect.CREATE,
    possible={Consequence.SEND},
    judge=_mails,
    follows=_mailed,
    found=Found(
        "project.list",
        {"title": "title", "status": "status"},
        {"search": "title", "sort": "=created_at", "order": "=desc"},
        age="created_at",
    ),
)
async def create_project(
    call: Call,
    title: Title,
    priority: PriorityNumber,
    privacy: Privacy,
    status: Status,
    description: Description = None,
    started_at: StartedAt = None,
    ended_at: EndedAt = None,
    client_ids: Clients = None,
    created_by: Annotated[MemberId | None, Field(description="Team member.")] = None,
    tag_ids: Tags = None,
    category_ids: Categories = None,
    assignee_ids: Assignees = None,
    complete_status_id: LookupId = None,
    notify_client: NotifyClient = None,
    project_manager_ids: Managers = None,
) -> Written:
    """Create a project. Mails clients only with notify_client."""
    return await call.write(f"Project {title} created", body=_named(call.given))


@operation("project.get", "GET /project/{project_id:id|uuid}", Effect.READ, reads="project_id")
async def get_project(call: Call, project_id: ProjectId) -> Record:
    """Get one project with people, tags and progress. For tasks use list_tasks, for files list_project_files."""
    return await call.record()


@operation(
    "project.update",
    "PUT /project/{project_id:id|uuid}",
    Effect.UPDATE,
    possible={Consequence.SEND},
    judge=_mails,
    follows=_mailed,
    undo=Inverse(back=BEFORE),
)
async def update_project(
    call: Call,
    project_id: ProjectId,
    title: Title | None = None,
    description: Description = None,
    priority: PriorityNumber | None = None,
    privacy: Privacy | None = None,
    status: Status | None = None,
    started_at: StartedAt = None,
    ended_at: EndedAt = None,
    client_ids: Clients = None,
    tag_ids: Tags = None,
    category_ids: Categories = None,
    assignee_ids: Assignees = None,
    complete_status_id: LookupId = None,
    notify_client: NotifyClient = None,
    project_manager_ids: Managers = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a project; the rest stays, lists are replaced. Mails clients only with notify_client."""
    record = await call.read("project.get", project_id=project_id)
    cleared = [NAMES.get(name, name) for name in clear or []]
    body = merge.merged(record, _named(call.given), BACK, cleared)
    return await call.write(f"Project {project_id} updated", id=record.get("id"), body=body)


@operation(
    "project.delete",
    "DELETE /project/{project_id:id|uuid}",
    Effect.DELETE,
    warns="TaskIP does not say what becomes of its tasks, files and discussion: expect to lose them.",
    children=(
        Child(words="tasks in it", read="task.list", query={"project_id": "project_id"}, rows="items"),
        Child(words="messages in its discussion", read="discussion.list", query={"project_id": "project_id"}),
    ),
    undo=Inverse(
        contract="project.create",
        back={**BEFORE, "created_by": merge.one_id("created_by")},
        remake=True,
        lost="The id and uuid, board, tasks, files, discussion and activity do not come back.",
    ),
)
async def delete_project(call: Call, project_id: ProjectId) -> Written:
    """Delete a project for good, likely with tasks, files and discussion. To end it use
    update_project_status."""
    return await call.write(f"Project {project_id} deleted", id=project_id)


@operation("project.dashboard_activity", "POST /project/dashboard/activity", Effect.READ)
async def list_recent_activities(
    call: Call,
    limit: Limit = ROWS,
    from_date: FromDate = None,
    to_date: ToDate = None,
) -> Page:
    """List what happened lately in all projects. For one use list_project_activities."""
    return await call.rows(paged=False)


@operation("project.activity", "POST /project/{project_id:uuid}/activity", Effect.READ)
async def list_project_activities(
    call: Call, project_id: ProjectId, limit: Limit = ROWS, page: PageNumber = None
) -> Page:
    """List what happened in one project. For all use list_recent_activities."""
    return await call.rows()


@operation("project.all_tasks", "POST /project/all-tasks/list", Effect.READ)
async def list_all_tasks(
    call: Call,
    assigned_to: MemberId | None = None,
    project_ids: list[ProjectNumber] | None = None,
    is_completed: bool | None = None,
    search: Annotated[str | None, Field(description="Title or description.")] = None,
    page: PageNumber = None,
    limit: Limit = ROWS,
) -> Page:
    """List tasks across projects. For one project's board use list_tasks."""
    # The rest is chosen by `taskip_mcp.filters`.
    sent = {name: call.given[name] for name in ("assigned_to", "project_ids") if name in call.given}
    return await call.rows(paged=False, body=sent)


@operation(
    "project.change_priority",
    "POST /project/{project_id:uuid}/change-priority",
    Effect.UPDATE,
    # The record shows a number, and no word is known for it: an update takes the number (contract quirk 17).
    undo=Inverse(contract="project.update", back={"priority": BEFORE["priority"]}, lost=LOGGED),
)
async def update_project_priority(call: Call, project_id: ProjectId, priority: PriorityWord) -> Written:
    """Set a project's priority by word; reads show a number, 1 to 5."""
    return await call.write(f"Priority of project {project_id} set to {priority}", id=project_id)


@operation(
    "project.change_status",
    "POST /project/{project_id:uuid}/change-status",
    Effect.UPDATE,
    undo=Inverse(back={"status": merge.same("status")}, lost=LOGGED),
)
async def update_project_status(call: Call, project_id: ProjectId, status: Status) -> Written:
    """Set a project's status, such as completed."""
    return await call.write(f"Status of project {project_id} set to {status}", id=project_id)


@operation(
    "project.change_category",
    "POST /project/{project_id:uuid}/change-category",
    Effect.UPDATE,
    shows={"category_id": "+categories"},
    # A project may have had several categories, or none.
    undo=Inverse(
        contract="project.update",
        back={"category_ids": BEFORE["category_ids"]},
        left={"category_ids": "category_id"},
    ),
)
async def update_project_category(
    call: Call,
    project_id: ProjectId,
    category_id: CategoryId,
) -> Written:
    """Set a project's category. For several projects use bulk_update_project_categories."""
    return await call.write(f"Category of project {project_id} set to {category_id}", id=project_id)
