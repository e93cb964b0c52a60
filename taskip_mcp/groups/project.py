"""Projects and what happened in them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Unpack, cast

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Arguments, Back, Child, Found, Inverse
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ContactId,
    Day,
    Limit,
    LookupId,
    MemberId,
    Order,
    PageNumber,
    ProjectId,
    RecordId,
    ShortText,
    Text,
    UnverifiedDates,
    WholeNumber,
)
from taskip_mcp.results import Page, Record, Written

Title = Annotated[ShortText, Field(description="Name of the project.")]
Description = Annotated[str | None, Field(description="What the project is about.")]
# Labels of the numbers are not published; a sample calls 4 high (contract project.create).
PriorityNumber = Annotated[
    int, Field(ge=1, le=5, description="1 to 5; TaskIP publishes no labels, 4 is high.")
]
PriorityWord = Annotated[Literal["low", "medium", "high", "critical"], Field(description="New priority.")]
Privacy = Annotated[Literal["private", "public"], Field(description="Who may see the project.")]
Status = Annotated[
    Text,
    Field(description="Seen: planning, active, on_hold, completed, cancelled; TaskIP publishes no list."),
]
StartedAt = Annotated[Day | None, Field(description="First day, YYYY-MM-DD.")]
EndedAt = Annotated[Day | None, Field(description="Last day, YYYY-MM-DD.")]
Clients = Annotated[list[RecordId] | None, Field(description="Contact ids of the clients (list_contacts).")]
Tags = Annotated[list[RecordId] | None, Field(description="Tag ids (list_project_attributes).")]
Categories = Annotated[list[RecordId] | None, Field(description="Category ids (list_project_attributes).")]
Assignees = Annotated[list[RecordId] | None, Field(description="Team member ids (list_team_members).")]
Managers = Annotated[list[RecordId] | None, Field(description="Team member ids of the project managers.")]
NotifyClient = Annotated[bool | None, Field(description="true emails the clients about it.")]
Clearable = Literal[
    "description", "started_at", "ended_at", "client_ids", "tag_ids", "category_ids", "assignee_ids",
    "project_manager_ids", "complete_status_id",
]  # fmt: skip
FromDate = Annotated[Day | None, Field(description="From this day, YYYY-MM-DD.")]
ToDate = Annotated[Day | None, Field(description="Up to this day, YYYY-MM-DD.")]

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
    limit: Limit = None,
    search: Annotated[str | None, Field(description="Name or description.")] = None,
    sort: Annotated[
        Literal["name", "status", "start_date", "end_date", "created_at"] | None,
        Field(description="Order by."),
    ] = None,
    order: Order = None,
    status: Annotated[str | None, Field(description="Project status, such as active.")] = None,
    client_id: Annotated[ContactId | None, Field(description="Contact id of the client.")] = None,
    assigned_to: Annotated[MemberId | None, Field(description="Team member id.")] = None,
    **filters: Unpack[UnverifiedDates],
) -> Page:
    """List projects with status, people and progress. The tasks of one are in list_tasks."""
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
    created_by: Annotated[MemberId | None, Field(description="Team member id of the creator.")] = None,
    tag_ids: Tags = None,
    category_ids: Categories = None,
    assignee_ids: Assignees = None,
    complete_status_id: LookupId = None,
    notify_client: NotifyClient = None,
    project_manager_ids: Managers = None,
) -> Written:
    """Create a project. Nobody outside is mailed unless notify_client is true."""
    return await call.write(f"Project {title} created", body=_named(call.given))


@operation("project.get", "GET /project/{project_id:id|uuid}", Effect.READ, reads="project_id")
async def get_project(call: Call, project_id: ProjectId) -> Record:
    """Get one project with people, tags and progress. Its tasks are in list_tasks, files in list_project_files."""
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
    clear: Annotated[list[Clearable] | None, Field(description=CLEAR)] = None,
) -> Written:
    """Change fields of a project; the others stay, a list is replaced. Mails clients only with notify_client."""
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
    """Delete a project for good, most likely with tasks, files and discussion. To end it use update_project_status."""
    return await call.write(f"Project {project_id} deleted", id=project_id)


@operation("project.dashboard_activity", "POST /project/dashboard/activity", Effect.READ)
async def list_recent_activities(
    call: Call,
    limit: Annotated[WholeNumber | None, Field(description="Rows; default 50.")] = None,
    from_date: FromDate = None,
    to_date: ToDate = None,
) -> Page:
    """List what happened lately in all projects. For one project use list_project_activities."""
    return await call.rows(paged=False)


@operation("project.activity", "POST /project/{project_id:uuid}/activity", Effect.READ)
async def list_project_activities(
    call: Call, project_id: ProjectId, limit: Limit = None, page: PageNumber = None
) -> Page:
    """List what happened in one project. For all projects use list_recent_activities."""
    return await call.rows()


@operation("project.all_tasks", "POST /project/all-tasks/list", Effect.READ)
async def list_all_tasks(
    call: Call,
    status: Annotated[str | None, Field(description="TaskIP publishes no values for this filter.")] = None,
    assigned_to: Annotated[MemberId | None, Field(description="Team member id.")] = None,
    project_ids: Annotated[list[RecordId] | None, Field(description="Projects by integer id.")] = None,
) -> Page:
    """List tasks across projects in one unpaged list, which may be long. For one project's board use list_tasks."""
    return await call.rows(paged=False)


@operation(
    "project.change_priority",
    "POST /project/{project_id:uuid}/change-priority",
    Effect.UPDATE,
    # The record shows a number, and no word is known for it: an update takes the number (contract quirk 17).
    undo=Inverse(contract="project.update", back={"priority": BEFORE["priority"]}, lost=LOGGED),
)
async def update_project_priority(call: Call, project_id: ProjectId, priority: PriorityWord) -> Written:
    """Change a project's priority by word. TaskIP shows it as a number from 1 to 5."""
    return await call.write(f"Priority of project {project_id} set to {priority}", id=project_id)


@operation(
    "project.change_status",
    "POST /project/{project_id:uuid}/change-status",
    Effect.UPDATE,
    undo=Inverse(back={"status": merge.same("status")}, lost=LOGGED),
)
async def update_project_status(call: Call, project_id: ProjectId, status: Status) -> Written:
    """Change a project's status, for example to completed."""
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
    category_id: Annotated[
        RecordId, Field(description="Category id (list_project_attributes, type category).")
    ],
) -> Written:
    """Set a project's category. For several projects use bulk_update_project_categories."""
    return await call.write(f"Category of project {project_id} set to {category_id}", id=project_id)
