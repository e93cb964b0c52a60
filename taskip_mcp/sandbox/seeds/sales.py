"""Pipelines 1 (New business: stages 1-5, deals 1-12) and 2 (Renewals: stages 6-9, deals 13-20)."""

from __future__ import annotations

from datetime import timedelta

from taskip_mcp.sandbox.seeds.people import COMPANIES
from taskip_mcp.sandbox.store import Row, Store

PIPELINES = (
    ("New business", ("Lead in", "Qualified", "Proposal sent", "Negotiation", "Won")),
    ("Renewals", ("Up for renewal", "Contacted", "Offer sent", "Renewed")),
)
COLORS = ("#64748B", "#0EA5E9", "#F59E0B", "#8B5CF6", "#22C55E")
# what is sold, amount, stage within the pipeline, status, days until closing
DEALS = (
    ("Brand refresh", 8400, 0, "active", 40),
    ("Online shop", 23500, 1, "active", 55),
    ("Product film", 6900, 2, "active", 20),
    ("Customer portal", 41200, 2, "active", 62),
    ("Search campaign", 3800, 1, "active", 15),
    ("Patient booking app", 56000, 3, "active", 33),
    ("Tour microsites", 12750, 0, "active", 71),
    ("Course platform", 29900, 3, "active", 12),
    ("Website relaunch", 9600, 4, "won", -10),
    ("Farm gate labels", 2400, 2, "lost", -25),
    ("Route tracker", 7300, 0, "active", 48),
    ("Data room design", 15800, 1, "active", 29),
    ("Hosting renewal", 1800, 0, "active", 14),
    ("Care plan renewal", 4800, 1, "active", 9),
    ("Retainer renewal", 14400, 2, "active", 21),
    ("Support contract", 6000, 0, "active", 35),
    ("Newsletter service", 2700, 3, "won", -5),
    ("Analytics retainer", 9900, 1, "active", 27),
    ("Design retainer", 12000, 2, "active", 18),
    ("Maintenance renewal", 3600, 0, "lost", -2),
)


def seed(store: Store) -> None:
    """Fill pipelines, stages and deals."""
    boards: list[tuple[Row, list[Row]]] = []
    for index, (title, names) in enumerate(PIPELINES):
        stamp = (store.now - timedelta(days=300 - index * 60)).isoformat()
        pipeline = store.insert("pipeline", {"title": title, "status": "active", "created_at": stamp})
        stages = [
            store.insert(
                "stage",
                {"title": name, "order": place + 1, "color": COLORS[place], "created_at": stamp},
                parent=pipeline["id"],
            )
            for place, name in enumerate(names)
        ]
        boards.append((pipeline, stages))
    for index, deal in enumerate(DEALS):
        _deal(store, boards[0 if index < 12 else 1], index, deal)


def _deal(
    store: Store, board: tuple[Row, list[Row]], index: int, deal: tuple[str, int, int, str, int]
) -> None:
    pipeline, stages = board
    what, amount, stage, status, days = deal
    company = index % 9
    store.insert(
        "deal",
        {
            "deal_name": f"{COMPANIES[company][0]}: {what}",
            "company_id": company + 1,
            "contact_id": company * 4 + index % 4 + 1,
            "deal_owner_id": 5 if index % 3 else 1,
            "deal_stage_id": stages[stage]["id"],
            "deal_amount": amount,
            "closing_date": (store.now + timedelta(days=days)).date().isoformat(),
            "description": f"{what} for {COMPANIES[company][0]}.",
            "status": status,
            "currency": "EUR",
            "order": index + 1,
            "created_at": (store.now - timedelta(days=90 - index * 4)).isoformat(),
        },
        parent=pipeline["id"],
    )
