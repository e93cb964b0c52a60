"""Documents. The API reference calls creating one an upload; the guide's call creates an empty one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.call import Call
from taskip_mcp.errors import UnreadableError
from taskip_mcp.facts import Found, Inverse
from taskip_mcp.operation import Effect, operation
from taskip_mcp.params import (
    CLEAR,
    ROWS,
    DateFrom,
    DateTo,
    DocumentId,
    Limit,
    Order,
    PageNumber,
    RecordId,
    Reference,
    ShortText,
    Text,
)
from taskip_mcp.results import Page, Record, Saved, Written

VISIBILITY = {"private": 0, "team": 1, "public": 2}
# The current record shows neither description nor tags nor is_public (contract document.update).
BACK = {
    **{name: merge.same(name) for name in ("name", "description", "tags", "is_public")},
    "folder_id": merge.one_id("folder"),
}
WORDS = {number: word for word, number in VISIBILITY.items()}
DOUBT = "May be ignored."


@operation("document.list", "GET /document", Effect.READ, swagger="GET /documents")
async def list_documents(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Name or content.")] = None,
    sort: Literal["name", "size", "created_at", "updated_at"] | None = None,
    order: Order = None,
    folder_id: Annotated[RecordId | None, Field(description="Number, from a document.")] = None,
    owner_id: Annotated[RecordId | None, Field(description="User id.")] = None,
    shared_with_me: bool | None = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
) -> Page:
    """List documents with folder and people, without a total."""
    return await call.rows()


@operation(
    "document.create",
    "POST /document",
    Effect.CREATE,
    swagger="POST /documents",
    found=Found(
        "document.list",
        {"name": "name"},
        {"search": "name", "sort": "=created_at", "order": "=desc"},
        age="created_at",
    ),
)
async def create_document(
    call: Call,
    name: ShortText,
    visibility: Literal["private", "team", "public"],
    folder_id: Annotated[Reference | None, Field(description="Folder uuid, from a document.")] = None,
    file_path: Annotated[
        Text | None,
        Field(description="In the user's TaskIP folder."),
    ] = None,
) -> Written:
    """Create an empty document, or upload file_path as one (50 uploads an hour)."""
    fields: dict[str, Any] = {name_: value for name_, value in call.given.items() if name_ != "file_path"}
    fields["visibility"] = VISIBILITY[visibility]
    if file_path is None:
        return await call.write(f"Document {name} created", key="document", body=fields)
    # The reference and the Examples page upload a file here, the guide takes none (contract document.create).
    file = await anyio.to_thread.run_sync(call.backend.files.read_upload, file_path, "file")
    return await call.write(f"Document {name} uploaded", key="document", body=fields, uploads=[file])


@operation(
    "document.get",
    "GET /document/{document_id:id}",
    Effect.READ,
    swagger="GET /documents/{document_id:id}",
    reads="document_id",
)
async def get_document(call: Call, document_id: DocumentId) -> Record:
    """Get one document's name, folder and people. For its content use download_document."""
    return await call.record()


@operation(
    "document.update",
    "PUT /document/{document_id:id}",
    Effect.UPDATE,
    swagger="PUT /documents/{document_id:id}",
    undo=Inverse(back=BACK),
)
async def update_document(
    call: Call,
    document_id: DocumentId,
    name: ShortText | None = None,
    description: Annotated[str | None, Field(description=DOUBT)] = None,
    folder_id: Annotated[RecordId | None, Field(description="Number, from a document.")] = None,
    tags: Annotated[list[Text] | None, Field(description=DOUBT)] = None,
    is_public: Annotated[bool | None, Field(description=DOUBT)] = None,
    clear: Annotated[list[Literal["description", "folder_id", "tags"]] | None, CLEAR] = None,
) -> Written:
    """Rename or move a document; the rest stays. Visibility cannot be changed."""
    return await call.write(f"Document {document_id} updated", id=document_id, body=call.partial())


@operation(
    "document.delete",
    "DELETE /document/{document_id:id}",
    Effect.DELETE,
    swagger="DELETE /documents/{document_id:id}",
    warns="Its versions and comments are deleted too.",
    undo=Inverse(
        contract="document.create",
        back={
            "name": merge.same("name"),
            "visibility": merge.inside("visibility", merge.word("id", WORDS)),
            "folder_id": merge.inside("folder", merge.same("uuid")),
        },
        remake=True,
        lost="The id and uuid, the content, versions, comments, the owner and permissions do not come back: the call"
        " makes an empty document.",
    ),
)
async def delete_document(call: Call, document_id: DocumentId) -> Written:
    """Delete a document for good, with versions and comments."""
    return await call.write(f"Document {document_id} deleted", id=document_id)


@operation(
    "document.download",
    "GET /document/{document_id:id}/download",
    Effect.READ,
    swagger="POST /documents/download/{document_id:uuid}",
)
async def download_document(
    call: Call,
    document_id: DocumentId,
    version: Annotated[str | None, Field(description="May be ignored.")] = None,
) -> Saved:
    """Save a document as PDF in the user's TaskIP folder."""
    answer = await call()
    if not isinstance(answer.payload, bytes):
        raise UnreadableError("TaskIP answered without a PDF", operation=call.operation.contract)
    uri = f"taskip://documents/{document_id}/pdf"
    return call.backend.files.save(f"document-{document_id}.pdf", answer.payload, "application/pdf", uri)
