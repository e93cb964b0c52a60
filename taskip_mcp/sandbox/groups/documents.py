"""Document endpoints (contract: document.*), under /document and, as swagger has them, /documents."""

from __future__ import annotations

from taskip_mcp.sandbox import pdf, shapes
from taskip_mcp.sandbox.routing import Answer, Call, route
from taskip_mcp.sandbox.rules import conflict, refusal
from taskip_mcp.sandbox.store import Row

VISIBILITY = {0: "Private", 1: "Team", 2: "Public"}
FOLDER = {"id": 1, "uuid": "folder-0001", "name": "General"}
LARGEST = 10 * 1024 * 1024
RULES = {"name": "required|string|max:191", "visibility": "required|integer|in:0,1,2", "folder_id": "string"}


def present(call: Call, row: Row) -> Row:
    """The documented document record."""
    owner = call.store.get("team_member", row["owner_id"])
    name = shapes.full_name(owner) if owner else ""
    email = owner["email"] if owner else None
    person = {"name": name, "image": None, "type": "team_member", "email": email, "contact_id": None}
    none: list[Row] = []
    return shapes.select(row, "id", "uuid", "name") | {
        "created_by": {"id": row["owner_id"], **person},
        "folder": FOLDER,
        "visibility": {"id": row["visibility"], "label": VISIBILITY[row["visibility"]]},
        "permissions": [
            {
                "id": row["id"],
                "document_id": row["id"],
                "user_id": row["owner_id"],
                "access_type": 2,
                "user": person,
            }
        ],
        "created_at": shapes.php(row["created_at"], "M j, Y, g:i A"),
        "access": "Owner" if row["owner_id"] == 1 else "View",
        "publish": f"https://docs.example/{row['uuid']}" if row["visibility"] == 2 else None,
        "teams": none,
    }


@route("GET /document", "swagger GET /documents")
def index(call: Call) -> Row:
    """No counters."""
    rows = shapes.matching(
        call.store.rows("document"),
        call.query,
        search=("name", "text"),
        equal={"owner_id": "owner_id"},
        sort={"name": "name", "created_at": "created_at", "updated_at": "updated_at"},
    )
    return {"data": call.plain(rows, lambda row: present(call, row)), "status": 200}


@route("POST /document", "swagger POST /documents")
def create(call: Call) -> Answer:
    """201; an empty document, or with multipart the file in it."""
    fields = call.valid(RULES)
    if call.store.rows("document", name=fields["name"]):
        raise conflict("A document with this name already exists in the folder.")
    text = ""
    for file in call.files:
        if len(file.content) > LARGEST:
            raise refusal(413, "Payload Too Large", "The file may not be greater than 10 MB.")
        text = f"{file.name} ({len(file.content)} bytes)"
    row = {"name": fields["name"], "visibility": int(fields["visibility"]), "owner_id": 1, "text": text}
    made = call.store.insert("document", row)
    return Answer(
        {"msg": "Document created successfully", "document": present(call, made), "status": 200}, 201
    )


@route("GET /document/{id}", "swagger GET /documents/{id}")
def show(call: Call) -> Row:
    """success and data; the current record, not the legacy one of the example."""
    return {"success": True, "data": present(call, call.find("document", "Document"))}


@route("PUT /document/{id}", "swagger PUT /documents/{id}")
def update(call: Call) -> Row:
    """Partial."""
    row = call.find("document", "Document")
    rules = {
        "name": "string",
        "description": "string",
        "folder_id": "integer",
        "tags": "array",
        "is_public": "boolean",
    }
    fields = call.valid(rules)
    if any(other["id"] != row["id"] for other in call.store.rows("document", name=fields.get("name"))):
        raise conflict("A document with this name already exists in the folder.")
    changed = call.store.update("document", row["id"], fields)
    data = shapes.select(changed, "id", "name", "description", "tags") | {
        "created_at": shapes.iso(changed["created_at"]),
        "updated_at": shapes.iso(changed["updated_at"]),
    }
    return {"success": True, "message": "Document updated successfully", "data": data}


@route("DELETE /document/{id}", "swagger DELETE /documents/{id}")
def destroy(call: Call) -> Row:
    """For good."""
    call.store.delete("document", call.find("document", "Document")["id"])
    return {"msg": "Document deleted successfully", "status": 200}


@route("GET /document/{id}/download", "swagger POST /documents/download/{id}")
def download(call: Call) -> Answer:
    """A PDF rendered from the content."""
    row = call.find("document", "Document")
    content = pdf.make(row["name"], str(row.get("text") or "").splitlines())
    return Answer(content, content_type="application/pdf", filename=f"{row['name']}.pdf")
