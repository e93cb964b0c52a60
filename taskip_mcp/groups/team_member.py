"""Team members: the people of the agency, with their access to the workspace."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.facts import Found, Inverse
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    Email,
    Limit,
    MediaId,
    MemberId,
    Order,
    PageNumber,
    RecordId,
    ShortText,
)
from taskip_mcp.results import Page, Record, Written

MemberEmail = Email
FirstName = ShortText
LastName = ShortText
Position = Annotated[str | None, Field(max_length=191)]
# Reads give a slug and nothing maps it to the number (contract team_member.create, quirk 7).
RoleId = Annotated[RecordId, Field(description="TaskIP shows only names: ask the user for the number.")]
TeamId = Annotated[RecordId | None, Field(description="From teams of a member.")]
Clearable = Literal["position", "team_id", "image"]
HANDOVER = "Their tasks and projects go to the system administrator and cannot be moved back automatically."


def _team(record: Record) -> int | None:
    """The body takes one team, the record may show several."""
    teams = cast("list[dict[str, Any]]", record.get("teams") or [])
    if len(teams) > 1:
        raise merge.UnmappableError("the member is in several teams and TaskIP takes one")
    return teams[0].get("id") if teams else None


# The update replaces the required set (contract team_member.update); role_id cannot be read back.
BACK = {
    "email": merge.same("email"),
    "first_name": merge.same("first_name"),
    "last_name": merge.same("last_name"),
    "position": merge.same("position"),
    "team_id": _team,
    "image": merge.one_id("image"),
}
REMADE = Inverse(
    contract="team_member.create",
    back=BACK,
    remake=True,
    lost="The id, the login and the tasks and projects, which went to the system administrator, do not come back. The"
    " call mails a new invitation.",
)


@operation("team_member.list", "GET /team-member", Effect.READ)
async def list_team_members(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Name or email.")] = None,
    sort: Literal["name", "email", "role", "created_at"] | None = None,
    order: Order = None,
    role: Annotated[str | None, Field(description="By name, such as developer.")] = None,
    status: Literal["active", "inactive", "pending"] | None = None,
) -> Page:
    """List the people of the agency with role and teams. For clients use list_contacts."""
    return await call.rows()


@operation(
    "team_member.create",
    "POST /team-member",
    Effect.CREATE,
    possible={Consequence.SEND, Consequence.ACCESS},
    warns="An invitation is mailed to the address, and it gives access to the workspace.",
    follows=lambda arguments, _: [f"It goes to {arguments['email']}."],
    found=Found("team_member.list", {"email": "email"}, {"search": "email"}, age="created_at", unique=True),
)
async def create_team_member(
    call: Call,
    email: MemberEmail,
    first_name: FirstName,
    last_name: LastName,
    role_id: RoleId,
    position: Position = None,
    team_id: TeamId = None,
    image: MediaId = None,
) -> Written:
    """Add a person to the agency: mails an invitation and gives access. For clients use create_contact."""
    return await call.write(f"Team member {email} created and invited")


@operation("team_member.get", "GET /team-member/{member_id:id}", Effect.READ, reads="member_id")
async def get_team_member(call: Call, member_id: MemberId) -> Record:
    """Get one team member with role, teams and invitation."""
    return await call.record()


@operation(
    "team_member.update",
    "PUT /team-member/{member_id:id}",
    Effect.UPDATE,
    # The role goes along with every update, and the address is that of a login.
    possible={Consequence.ACCESS},
    warns="Address and role decide who gets into the workspace, and what they may do there.",
    undo=Inverse(
        back=BACK,
        keep=("role_id",),
        lost="role_id is sent as the change set it, also if the role is another one by now: TaskIP shows roles by name"
        " and takes them by number.",
    ),
)
async def update_team_member(
    call: Call,
    member_id: MemberId,
    role_id: RoleId,
    email: MemberEmail | None = None,
    first_name: FirstName | None = None,
    last_name: LastName | None = None,
    position: Position = None,
    team_id: TeamId = None,
    image: MediaId = None,
    clear: Annotated[list[Clearable] | None, CLEAR] = None,
) -> Written:
    """Change fields of a team member; the rest stays. Repeat role_id: TaskIP does not show it."""
    record = await call.read("team_member.get", member_id=member_id)
    return await call.write(f"Team member {member_id} updated", id=member_id, body=call.merge(record, BACK))


@operation(
    "team_member.delete", "DELETE /team-member/{member_id:id}", Effect.DELETE, warns=HANDOVER, undo=REMADE
)
async def delete_team_member(call: Call, member_id: MemberId) -> Written:
    """Remove a person from the agency for good. Tasks and projects go to the system administrator."""
    return await call.write(f"Team member {member_id} deleted", id=member_id)


@operation(
    "team_member.bulk_delete",
    "POST /team-member/bulk-delete",
    Effect.BULK,
    chunk="member_ids",
    possible={Consequence.DELETE, Consequence.BULK},
    warns=HANDOVER,
    undo=REMADE,
)
async def bulk_delete_team_members(
    call: Call, member_ids: Annotated[list[RecordId], Field(min_length=1)]
) -> Written:
    """Remove several people for good. Tasks and projects go to the system administrator."""
    return await call.write(f"{len(member_ids)} team members deleted", body={"ids": member_ids})
