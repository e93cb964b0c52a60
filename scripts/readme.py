"""Bring the generated parts of README.md up to date: tables, counts, and the paragraphs that hold figures of the code.

Each part lies between ``<!-- begin: name -->`` and ``<!-- end: name -->``. With ``--check`` nothing is written and
a difference is exit status 1.
"""

from __future__ import annotations

import re
import sys
import textwrap
from functools import partial
from pathlib import Path

from taskip_mcp import (
    budget,
    events,
    jobs,
    lookups,
    operation,
    params,
    prompts,
    resources,
    retry,
    schemas,
    seal,
    server,
    settings,
    target,
    tokens,
    writelog,
)  # fmt: skip
from taskip_mcp.events import receiver, store
from taskip_mcp.toolsets import PROFILES
from tests.tokens import SETTINGS, entries, figures

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    """Every environment variable, once."""
    rows = [f"| `{each.name}` | {each.default} | {each.meaning} |" for each in settings.VARIABLES]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def tool_reference() -> str:
    """Every tool by group: name, endpoint, what the gate asks for, and its description."""
    lines: list[str] = []
    group = ""
    for entry in schemas.load_entries():
        if entry.group != group:
            group = entry.group
            lines += ["", f"### {group.replace('_', ' ').capitalize()}", ""]
            lines += ["| tool | endpoint | confirm | what it does |", "| --- | --- | --- | --- |"]
        gate = ", ".join(entry.consequences)
        description = entry.description.replace("|", "\\|")
        endpoint = f"`{entry.endpoint}`" if entry.endpoint else "none"
        lines.append(f"| `{entry.name}` | {endpoint} | {gate} | {description} |")
    return "\n".join(lines).strip()


def resource_reference() -> str:
    """Every resource address."""
    rows = [
        f"| `{each.uri}` | {each.mime_type} | {each.description} |"
        for each in (*resources.TEMPLATES, resources.EVENTS)
    ]
    about = f"| `taskip://about` | application/json | {server.ABOUT} |"
    left = f"| `taskip://budget` | application/json | {server.BUDGET} |"
    return "\n".join(["| address | type | what it shows |", "| --- | --- | --- |", about, left, *rows])


def counts() -> str:
    """The figures of the first paragraph."""
    entries = schemas.load_entries()
    gated = sum(1 for entry in entries if entry.consequences)
    return (
        f"{len(entries)} tools in {len({entry.group for entry in entries})} groups, {gated} of them behind the gate,"
        f" and {len(resources.TEMPLATES) + 3} resources."
    )


def requests() -> str:
    """The paragraph on waiting, repeating and looking, with the figures of the code."""
    default = settings.Settings()
    points = f"""
**One budget per key.** Every request passes through it: tools, resources, previews, retries. The windows are counted in
the state directory, so that all servers of this machine share them and a restart forgets nothing;
`TASKIP_RATE_STORE=redis://...` shares them between machines. What other programs use with the same key is learnt from
TaskIP's answers. Single calls go before bulk work, {budget.BULK_WEIGHT} to 1, and each server has at most
{default.connections} requests under way.

**Nobody sleeps past your client's patience.** A request that would wait longer than {default.max_wait:g} seconds is
refused at once, unsent, with the exact seconds; a shorter wait sends progress. A call takes {default.call_deadline:g}
seconds at most. `get_rate_budget` and `taskip://budget` show what is left.

**Reads are tried again, writes only if it is certain that nothing was done**: after a failed connection or a 429, at
most {retry.TRIES} times in all. When the answer to a write is lost, the server looks: a create is searched by what
identifies it, an update or a delete is read back, and the result says done, not done, or not known, and what was looked
at.

**The same create twice is one.** An identical create, message or payment within {writelog.REPEATED / 60:g} minutes is
not sent; the answer tells what the first one made. One whose outcome is not known is looked up first, for
{writelog.UNCLEAR / 3600:g} hours. `allow_duplicate` sends it all the same.

**Bulk calls are jobs** of {jobs.CHUNK} ids a request that report on every id: accepted, failed, unknown or not tried.
One that stops for want of time, budget or a living process is in `list_jobs`; `resume_job` goes on. What may have been
done already is looked at first.

**Every write is logged** before it leaves and after it ended, without secrets, in `{writelog.FILE}` of the state
directory, which only its owner may read. The journal, the guard against duplicates and the jobs are those of one
machine; delete the file to forget them.
"""
    return bulleted(points)


def bulleted(points: str) -> str:
    """Paragraphs as the wrapped points of a list."""
    bullets = (" ".join(point.split()) for point in points.strip().split("\n\n"))
    return "\n".join(textwrap.fill(f"- {each}", 118, subsequent_indent="  ") for each in bullets)


def gate() -> str:
    """The paragraphs on confirmation, journal and outsiders, with the figures of the code."""
    default = settings.Settings()
    minutes = f"{seal.LIFE / 60:g}"
    return bulleted(f"""
**A preview first.** It says in one shape what would happen, to which records (the first {target.SHOWN} by name, all
counted), what would be sent and to whom, what goes with it (a company's contacts and projects, counted), what cannot be
undone, and what it costs in requests.

**The person, where the client can ask.** A client with elicitation puts the preview before the person as a question;
only an accepted form with its box ticked counts, whatever the model says. A question may stay open for
{default.ask_timeout:g} seconds, and the deadline of the call waits meanwhile. Some hosts decline without showing
anything: `ask=never` in `TASKIP_CONFIRM` leaves the question out, but never under `human`. Clients on stateless or
JSON-response HTTP with a protocol before 2026-07-28 cannot be asked.

**Bound to what was shown.** The target is read again just before the write. If it changed since the preview, the
confirmation is void and the new state is shown. Under `strict` the model must repeat the `confirm_code` of a preview:
sealed, good for exactly this call on exactly this state of the record, once, for {minutes} minutes. Codes and answers
are used up in the same transaction that notes the write; with `TASKIP_RATE_STORE=redis://...` also across machines. Of
a long list of ids the first {target.SHOWN} are compared.

**Every refusal of the gate ends with: Nothing was changed.**

**A journal.** What a write changed is kept for {default.journal_days} days (`TASKIP_JOURNAL_DAYS`): the arguments,
the record as it was before (of a delete also what goes with it), how it was confirmed, for which client; never a
secret. `list_changes` shows it; `taskip-mcp journal` prints what was done with the key in the environment, and writes
it with the records with `--export FILE` (`--help` has the filters). What nobody ended is kept {writelog.UNFINISHED}
days longer. It costs a read before each update and delete; a bulk call reads each of its records.

**Undo.** `undo_change` puts previous values back, through the same gate, unless somebody changed the record again
since. For a delete it answers with the call that creates the record anew, and with what does not come back. Mail cannot
be called back.

**What outsiders wrote is data.** Mails, tickets, comments, bookings and contact details are shown as plain text,
without hidden parts and invisible characters, and a result that holds any is put between two lines with a mark that
no text can forge; resources carry the notice as their first key, `_notice`. `TASKIP_LOCKDOWN=1` goes further:
everything with a consequence needs a person, whatever `TASKIP_CONFIRM` says, and mail goes only to addresses of
contacts that were there a day ago, or to the people of the conversation or ticket that is answered; a new team member
cannot be invited then. It is a preset, not a tracking of where text came from.
""")


MEANT_FOR = {
    "all": "the default",
    "core": "what most people ask for: contacts, invoices, tickets, tasks, deals, inbox, answers across groups",
    "sales": "contacts, companies, pipelines, deals, quotations, meetings",
    "billing": "invoices, quotations, contacts",
    "support": "tickets, inbox, contacts",
    "delivery": "projects, tasks, discussions, documents",
    "read only": "everything that reads",
    "search": "three tools that find and run the others",
}


def surface() -> str:
    """What each setting offers, and what that costs."""
    costs = figures()
    rows: list[str] = []
    for name, given in SETTINGS.items():
        words = ", ".join(f"`{variable}={value}`" for variable, value in given.items()) or "none"
        rows.append(f"| {words} | {len(entries(name))} | {costs[name]:,} | {MEANT_FOR[name]} |")
    assert PROFILES.keys() <= MEANT_FOR.keys()
    table = "\n".join(["| setting | tools | tokens | for |", "| --- | --- | --- | --- |", *rows])
    groups = ", ".join(f"`{group}`" for group in (*operation.GROUPS, operation.OWN_GROUP))
    return f"{table}\n\n{textwrap.fill(f'Groups are {groups}; the last has the tools of the server itself.', 118)}"


def results() -> str:
    """The paragraphs on what is shown, with the figures of the code."""
    return bulleted(f"""
**Concise, or full.** A record is shown without nulls, avatars, addresses of images, repeated names and the like; rows
of lists hold what one needs to choose and to go on, and every id that another call wants. Where something is left out,
`detail: "full"` shows all that TaskIP has; `fields` names the columns of a wide list.

**Pages.** Lists that TaskIP pages show {params.ROWS} rows unless `limit` says otherwise (at most 100); `next_page` is
the page to ask for next. Nothing costs more than {tokens.MOST:,} tokens: a result that could is cut at a record, from
about half of that on, as it is estimated with room for noise (only text that is made for it could cost more).
`left_out` says what is missing and, where it can be had, how. Resources read with `page=all` have no limit.

**One form for everything.** In records and lists dates are ISO 8601, whichever of its fifteen formats TaskIP used; an
age such as `~2 days ago` is as exact as TaskIP tells. People and companies are `Name (id)`; people of tickets,
discussions and documents are `Name (user 108)`, which is the number that `user_id` takes and no contact's. Money has
its currency where TaskIP tells it, and numbers are words where TaskIP publishes them.

**Names for ids.** Where a parameter for one record is text, it takes the exact name, title, number or email as well,
also as `Elsa Berg (12)`; where it is a number, as for files, folders, roles and bulk calls, only that. A name that
several have is refused with the candidates, and nothing is changed; a similar name is never taken, nor one from a list
that could not be read whole. Digits alone are the id, unless a zero comes first. Rows that were looked up are kept for
{lookups.KEEP:g} seconds, so that the next name costs nothing. An inbox tag is found by the conversations that have it.

**Words as people write them.** `Urgent`, `On Hold` and `eur` are taken, one value for a list, and lists as JSON text.

**Filters that hold.** The filters that the documents promise and TaskIP does not have are refused, with what can be
done instead. What it may ignore is checked on the rows, and a note says how many were left out. An empty search of
contacts, invoices, quotations, tickets or projects says what TaskIP searches there (people and numbers, not companies).

**Across groups, in one call**: `search_everything`, `get_client_overview`, `list_overdue_invoices`, `get_my_day`,
`get_pipeline_summary`. Each says what it costs in requests; what could not be read is named, and the rest is shown.
""")


def prompt_reference() -> str:
    """Every prompt with its arguments, all of them optional."""
    names = {entry.name for entry in schemas.load_entries()}
    rows: list[str] = []
    for each in prompts.offered(names.__contains__):
        given = ", ".join(f"`{argument.name}`" for argument in each.arguments)
        rows.append(f"| `{each.name}` | {given} | {each.description(names.__contains__)} |")
    return "\n".join(["| prompt | arguments | what it does |", "| --- | --- | --- |", *rows])


def happenings() -> str:
    """What TaskIP reports, and what becomes of it."""
    listed = [f"`{group}.{what}`" for group, happens in events.EVENTS.items() for what in happens]
    return bulleted(f"""
**The {len(listed)} events** that TaskIP documents: {", ".join(listed)}. Others are kept as well, and
marked.

**Nothing is believed.** TaskIP documents no signature: the secret in the address is the proof. What a delivery says is
shown as text of outsiders, and what is true of a record is read from TaskIP.

**Answers**: 200 when it is on the disk; 404 for a wrong secret, 405 for anything but a POST, 408 for a body that does
not come in time, 413 above {receiver.LARGEST // 1024} KiB, 422 for what is no JSON object with a text as its `event`,
429 for a flood, 503 where it cannot be kept. There is room for {receiver.BURST:,} at once and {receiver.PER_SECOND:g}
more each second; a body counts once more for each {receiver.WEIGHT // 1024} KiB. TaskIP documents no retries: what was
not answered 200 is lost.

**Kept** for `TASKIP_EVENTS_DAYS` ({store.DAYS}) in the state directory. The very same body counts once for as long.
TaskIP's times are of whole seconds, so two equal changes of a record within one second are one event; a client that
watches the record is told both times.

**Who watches** is told rather too often than not at all: of other records where an event names none, and whatever the
query of an address says. Nobody is told of replies to tickets, of deals, or of a name that shows in other records.

**Several servers** of one machine with the same key share what was kept. With the same `--webhook-port` the first takes
the webhooks, and another takes over when that ends; what TaskIP sends between the two is lost.

**Toolsets.** Where `TASKIP_TOOLSETS` chooses, the tools for events come along if the secret is set or the embedded
TaskIP answers. Prompts are those whose tools are there.
""")


PARTS = {
    "events": happenings,
    "prompts": prompt_reference,
    "surface": surface,
    "results": results,
    "gate": gate,
    "requests": requests,
    "counts": counts,
    "settings": settings_table,
    "tools": tool_reference,
    "resources": resource_reference,
}


def generated(text: str) -> str:
    """`text` with every part replaced; a missing part is an error."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(<!-- begin: {name} -->\n).*?(\n<!-- end: {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md has no part named {name}")
        # A function as replacement: the text may hold backslashes.
        text = pattern.sub(partial(_between, make()), text)
    return text


def _between(part: str, found: re.Match[str]) -> str:
    return found[1] + part + found[2]


def main() -> int:
    """Write, or compare with ``--check``."""
    before = README.read_text("utf-8")
    after = generated(before)
    if "--check" in sys.argv[1:]:
        return int(before != after)
    README.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
