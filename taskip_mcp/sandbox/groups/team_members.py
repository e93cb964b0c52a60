"""Team member endpoints (contract: team_member.*)."""

from __future__ import annotations

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import forbidden
from taskip_mcp.sandbox.store import Row

ROLES = {1: "admin", 2: "project_manager", 3: "developer", 4: "designer", 5: "client"}
TEAMS = {
    1: {"id": 1, "name": "Delivery", "description": "Projects and support"},
    2: {"id": 2, "name": "Growth", "description": "Sales and marketing"},
}
RULES = {
    "email": "required|email|unique:team_member",
    "first_name": "required|string|max:191",
    "last_name": "required|string|max:191",
    "position": "string|max:191",
    "role_id": "required|integer|in:1,2,3,4,5",
    "team_id": "integer|in:1,2",
    "image": "integer",
}


def present(row: Row) -> Row:
    """The documented team member record: a role slug instead of the id."""
    pending = row.get("invitation") == "pending"
    return shapes.select(row, "id", "first_name", "last_name", "position", "email", "uuid") | {
        "full_name": shapes.full_name(row),
        "role": ROLES[int(row["role_id"])],
        "created_at": shapes.php(row["created_at"], "d, M, Y"),
        "teams": [TEAMS[int(row["team_id"])]] if row.get("team_id") else [],
        "image": {"id": row["image"], "url": "", "thumbnail": ""} if row.get("image") else None,
        "invitation": {
            "id": row["id"],
            "status": "pending" if pending else "accepted",
            "sent_at": shapes.iso(row["created_at"]),
            "accepted_at": None if pending else shapes.iso(row["created_at"]),
        },
    }


@route("GET /team-member")
def index(call: Call) -> Row:
    """A Laravel page."""
    rows = shapes.matching(
        [
            row
            | {
                "full_name": shapes.full_name(row),
                "role": ROLES[row["role_id"]],
                "status": "pending" if row.get("invitation") == "pending" else "active",
            }
            for row in call.store.rows("team_member")
        ],
        call.query,
        search=("full_name", "email"),
        equal={"role": "role", "status": "status"},
        sort={"name": "full_name", "email": "email", "role": "role", "created_at": "created_at"},
    )
    return {"message": "Team members retrieved successfully"} | call.page(rows, present)


@route("POST /team-member")
def store(call: Call) -> Answer:
    """201; an invitation is mailed."""
    fields = call.valid(RULES)
    row = call.store.insert("team_member", fields | {"invitation": "pending"})
    call.store.insert("mail", {"to": row["email"], "subject": "You are invited to the workspace"})
    return Answer({"msg": "Team member created successfully", "data": present(row)}, 201)


@route("GET /team-member/{id}")
def show(call: Call) -> Row:
    """message and data."""
    return {
        "message": "Team member retrieved successfully",
        "data": present(call.find("team_member", "User")),
    }


@route("PUT /team-member/{id}")
def update(call: Call) -> Row:
    """A replacement of the whole set."""
    row = call.find("team_member", "User")
    call.store.update("team_member", row["id"], dict.fromkeys(RULES) | call.valid(RULES, itself=row["id"]))
    return {"msg": "Team member updated successfully"}


@route("DELETE /team-member/{id}")
def destroy(call: Call) -> Row:
    """Tasks and projects go to the administrator; the administrator stays."""
    _remove(call, call.find("team_member", "User"))
    return {"status": True, "message": "Team member deleted successfully"}


@route("POST /team-member/bulk-delete")
def bulk_delete(call: Call) -> Row:
    """Every id must exist."""
    ids = call.valid({"ids": "required|array", "ids.*": "integer|exists:team_member"})["ids"]
    for number in dict.fromkeys(ids):
        _remove(call, call.find("team_member", "User", number))
    return {"message": "Team members deleted successfully"}


def _remove(call: Call, row: Row) -> None:
    if row["id"] == 1:
        raise forbidden("The system administrator cannot be deleted.")
    for kind, field in (("project", "assignee"), ("project", "project_manager"), ("task", "assignees")):
        for each in call.store.rows(kind):
            people = shapes.numbers(each, field)
            if row["id"] in people:
                moved = list(dict.fromkeys(1 if person == row["id"] else person for person in people))
                call.store.update(kind, each["id"], {field: moved})
    call.store.delete("team_member", row["id"])
