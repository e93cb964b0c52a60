"""The prompts. A row is all that there is to one: to add a prompt, add a row."""

from __future__ import annotations

from taskip_mcp.prompts import Argument, Promise, PromptEntry, reads

CLIENT = Argument("client", "A contact: name, email or id.", "contact")
COMPANY = Argument("company", "A company: name, email or id.", "company")

MONTH_TURNS = 20
"""Day from which on the month that is billed by default is this one."""

MONTH = Argument(
    "month",
    f"Such as 2026-02, 02/2026 or February. Default: until the {MONTH_TURNS - 1}th the month before, from the"
    f" {MONTH_TURNS}th on this one.",
)

PROMPTS: tuple[PromptEntry, ...] = (
    PromptEntry(
        "onboard_client",
        "Onboard a client",
        "Set up a new client with what was agreed: plan what is missing, then make what you approve.",
        needs=("create_contact",),
        arguments=(
            Argument("client", "Name or email; an existing contact also by id.", "contact", may_be_new=True),
            Argument("company", "The client's company.", "company", may_be_new=True),
            Argument("agreed", "What was agreed, in words: services, price, dates, who leads."),
        ),
        reads=reads.onboard,
        steps=(
            "Ask the user for what is not known yet: name and email of the contact and of the company, what was agreed"
            " at which price and currency, when it starts, who leads it.",
            "Look with {search_everything} for the email and for the company: nobody is to be there twice.",
            "Show in one table what is to be made, and whom it mails: company, contact, project with dates and first"
            " tasks, offer, kick-off with the draft of a welcome.",
            "The company, if it is missing: {create_company}.",
            "The contact, if it is missing: {create_contact} with `company_id`. `invite_client` true mails an"
            " invitation to the portal.",
            "The project: {create_project} with `client_ids`, `started_at`, `ended_at`, who leads it in"
            " `project_manager_ids`, and `assignee_ids`. `notify_client` true mails the client.",
            "First tasks on its board: {list_tasks} shows the columns, {create_task} takes one as `container_id`, with"
            " `due_date` and `assignee_ids`.",
            "The offer, if a price was agreed: {create_quotation} with `currency` as agreed and `expire_date`.",
            "{send_quotation} mails it.",
            "The welcome: {send_message}.",
            "The kick-off, if the client named a time: {book_meeting} mails them. Say the time with its zone.",
            "End with what was made, with ids, and what is open.",
        ),
    ),
    PromptEntry(
        "chase_overdue_invoices",
        "Chase overdue invoices",
        "Find unpaid invoices past their due date and draft reminders, by age.",
        promise=Promise("Send those that you approve.", ("send_invoice",)),
        needs=("list_overdue_invoices",),
        arguments=(CLIENT, COMPANY),
        reads=reads.overdue,
        steps=(
            "Show what is due by client, oldest first, with days and currency. Never add up currencies.",
            "Look again whether they paid: {get_invoice} with the id of the row.",
            "Who was reminded lately through this server: {list_changes} shows what was sent.",
            "Look whether they answered: {get_contact} with the number behind the client's name shows the address;"
            " {list_conversations} with `date_from` 30 days back, `sort` created_at and `order` desc, every page, shows"
            " in from who wrote. Its search knows no addresses.",
            "Draft one reminder for each client, with all their invoices: by the oldest friendly up to 30 days, firm up"
            " to 60, above that with a last date and the offer to talk. None for a client who paid or whose answer"
            " waits: say what they wrote. Show the drafts.",
            "One invoice: {send_invoice} with `template` reminder or overdue and the draft as `message`.",
            "Several invoices of one client in one email: {send_message}, which attaches none of them.",
            "What the user says is paid: {update_invoice_status} with `payment_date`, `payment_method` and, if it is"
            " a part, `payment_amount`; paid is for good.",
            "End with who was written to or is to be, who was not and why, and when to look again.",
        ),
    ),
    PromptEntry(
        "month_end_billing",
        "Month-end billing",
        "Find what is to be billed for a month: drafts, accepted quotations, finished work.",
        promise=Promise("Make and send the invoices that you approve.", ("create_invoice", "send_invoice")),
        needs=("list_invoices",),
        arguments=(MONTH,),
        reads=reads.month,
        steps=(
            "Check the drafts: client, items, total, due date. {get_invoice} shows one whole.",
            "Find accepted quotations without an invoice: {list_invoices} with `client_id` shows what the client got.",
            "Find finished projects that no invoice of the client is about, and ask the user what to bill.",
            "Compare with the month before: {list_invoices} with `date_from` and `date_to`. What is billed every month"
            " and is missing now? Ask.",
            "Show one table of all that is to be made and to go out, with client, total and due date.",
            "Accepted quotations: {convert_quotation} with `due_date` makes the invoice, dated today. A second call"
            " makes a second one.",
            "Other work: {create_invoice} with the next free number as `invoice_no`, `issue_date`, `due_date`,"
            " `currency` and `items`.",
            "What repeats can bill itself: {set_invoice_recurring}, after asking for `frequency` and `end_date` or"
            " `max_cycles`.",
            "Send each: {send_invoice}.",
            "Many at once go out with {bulk_update_invoices}, `action` send.",
            "End with the totals by currency: billed in the month (drafts and cancelled ones do not count), sent now,"
            " still to bill, overdue.",
        ),
    ),
    PromptEntry(
        "triage_tickets",
        "Triage support tickets",
        "Sort the open tickets by urgency, propose who takes them, draft answers.",
        needs=("list_tickets",),
        arguments=(Argument("member", "Only tickets of this team member: name, email or id.", "member"),),
        reads=reads.tickets,
        steps=(
            "Order the tickets: first what stops a client's business, then what has waited longest. Group those about"
            " one cause.",
            "Rows show the start of a text; {get_ticket} shows all of it with the replies and the email of who asks.",
            "{list_tickets} without `status`, every page, also shows those that are in the queue or wait for a reply;"
            " with `assigned_to`, once for each team member, whose they are: rows do not tell.",
            "Find out who asks, by the email and not by the name or the user's number: {list_contacts} with it as"
            " `search`. Without one it is a stranger.",
            "What else is open with them: {get_client_overview} with that contact as `contact_id`.",
            "Propose in one table for each: priority, who takes it, answer now or later. Draft the answers.",
            "Priority: {update_ticket}.",
            "Who takes it: {assign_ticket} mails the team member; only older systems have it.",
            "Answers: {reply_ticket} mails the client.",
            "What is done: {update_ticket_status}.",
            "The same for several: {bulk_update_tickets}.",
            "End with what is left, by person.",
        ),
    ),
    PromptEntry(
        "triage_inbox",
        "Triage the inbox",
        "Sort the unread conversations: what to answer, what is a ticket, what is a lead.",
        needs=("list_conversations",),
        arguments=(
            Argument("member", "Only conversations of this team member: name, email or id.", "member"),
        ),
        reads=reads.inbox,
        steps=(
            "Sort each conversation: client with a question, support case, new lead, invoice or payment, press and"
            " others, advertising.",
            "Find out who writes, by the address alone and not by the name: {list_contacts} with it as `search`.",
            "What is open with a client: {get_client_overview} with that contact as `contact_id`.",
            "Propose in one table what to do with each, and draft the answers. Full threads cannot be read: say where"
            " the start of a text is not enough.",
            "Answers: {reply_conversation} mails them.",
            "Support cases: {create_ticket} with the sender's words as `description` and their address as `email`.",
            "Leads: {create_contact}.",
            "A deal of one: {list_pipelines} and {list_stages} show where, {create_deal} takes it.",
            "What was sorted gets a tag: {assign_conversation_tags}.",
            "End with what waits for the user.",
        ),
    ),
    PromptEntry(
        "weekly_project_review",
        "Weekly project review",
        "Go through projects and tasks: what moved, what is late, who has too much, what comes next week.",
        needs=("list_projects", "list_tasks"),
        arguments=(
            Argument("project", "Only this one: title or id. Default: all active ones.", "project"),
            Argument("member", "Only what this team member has: name, email or id.", "member"),
        ),
        reads=reads.projects,
        steps=(
            "Read what is not embedded: {list_all_tasks} shows tasks by project and not by day, {list_projects}"
            " projects of any status.",
            "The board of one project: {list_tasks}.",
            "What was done and said in one: {list_project_activities}.",
            "Say for each project: share of tasks done, days to its end, what happened in the last week, on track or"
            " not and why.",
            "List late tasks and those of the next 7 days by person; name tasks without a day or an assignee.",
            "Propose changes in one table: new dates, other people, what to drop. If the user wants it, draft an update"
            " for each client.",
            "Changes: {update_task}.",
            "Finished ones: {complete_task}.",
            "New ones: {create_task}.",
            "Projects that rest or are done: {update_project_status}, as on hold or completed.",
            "Updates: {create_discussion} posts one where clients may see it.",
            "End with a summary of five lines that can be forwarded.",
        ),
    ),
    PromptEntry(
        "pipeline_review",
        "Pipeline review",
        "Review the deals of the sales pipelines: by stage, late ones, what to do next.",
        needs=("get_pipeline_summary",),
        arguments=(
            Argument("pipeline", "Only this one: title or id. Default: all active ones.", "pipeline"),
        ),
        reads=reads.pipelines,
        steps=(
            "Sum up each pipeline: open by stage, won, lost, closing this month. Never add up currencies.",
            "The deals one by one: {list_deals} with `pipeline_id`.",
            "Name deals past their closing date or without one, and stages in which many wait.",
            "Contact and amounts of one: {get_deal}; notes cannot be read.",
            "What else is open with the client: {get_client_overview}.",
            "Propose the next step of each deal that needs one, in one table: who, what, by when. Draft the messages to"
            " clients.",
            "New day or amount: {update_deal}.",
            "Another stage: {move_deal}.",
            "What was talked about: {add_deal_note}.",
            "Won or lost: {bulk_update_deals}.",
            "Messages: {send_message}.",
            "End with the forecast of this month by currency, and what it depends on.",
        ),
    ),
    PromptEntry(
        "prepare_meeting",
        "Prepare a meeting",
        "Write a briefing for the next booked meeting: who comes, what is open with them, what to talk about.",
        needs=("list_meeting_bookings",),
        arguments=(
            Argument(
                "meeting",
                f"The meeting page: title or id. Default: the {reads.PAGES} pages with most bookings.",
                "meeting",
            ),
            CLIENT,
            COMPANY,
        ),
        reads=reads.meeting,
        steps=(
            "Take the next booking that has not begun: compare its start, in the time zone of its row, with the time"
            " above. Where a meeting page was given, one of that page; where a client or company was, one of theirs, by"
            " address: if there is none, say so and prepare for them without one. Or ask which one is meant.",
            "Others: {list_meetings} shows the pages, {list_meeting_bookings} with `meeting_id` and `date_from` who"
            " comes.",
            "Find out who comes, by the address and not by the name: {list_contacts} with it as `search`. Whoever is in"
            " no list is a new lead.",
            "What is open with them: {get_client_overview} with that contact as `contact_id`, and with the contact's"
            " company as `company_id`.",
            "Tickets in which they wait for an answer: {get_ticket}.",
            "How their project stands: {list_tasks} with `project_id`.",
            "Write a briefing of one page: time with zone and place, people, what they want by their own answers, open"
            " invoices, offers, tickets, projects and deals, delicate points.",
            "Add an agenda with minutes, questions to ask, and what to decide. Show both.",
            "After the meeting, what was agreed becomes tasks: {create_task}.",
            "Or a note on the deal: {add_deal_note}.",
        ),
    ),
)
