"""Meeting pages 1-3 and bookings 1-9: past, today's and coming ones."""

from __future__ import annotations

from datetime import timedelta

from taskip_mcp.sandbox.store import Store

# title, minutes, host, opens, closes
PAGES = (
    ("Discovery call", 30, 5, "09:00", "16:00"),
    ("Project check-in", 45, 2, "10:00", "15:00"),
    ("Support session", 60, 6, "08:00", "12:00"),
)
# page, attendee, email, days from now, start, end, question
BOOKINGS = (
    (1, "Mina", "Park", "mina.park@visitor.example", -12, "09:30", "10:00", "Pricing for a web shop"),
    (1, "Otto", "Brandt", "otto@visitor.example", 2, "11:00", "11:30", "A new corporate site"),
    (1, "Selma", "Aho", "selma@visitor.example", 6, "14:00", "14:30", "Rebranding a bakery"),
    (2, "Priya", "Shah", "priya@harrowfinch.example", 0, "10:00", "10:45", "Sprint review"),
    (2, "Maya", "Torres", "maya@cobaltrobotics.example", 1, "13:00", "13:45", "Portal scope"),
    (2, "Ruth", "Kellner", "ruth@kestrelhealth.example", -20, "14:00", "14:45", "Launch date"),
    (3, "Yuki", "Tanaka", "yuki@sakuratravel.example", 3, "09:00", "10:00", "Booking form errors"),
    (3, "Anke", "Vogel", "anke@lumenoptics.example", -3, "08:00", "09:00", "Newsletter import"),
    (3, "Nathan", "Cole", "nathan@juniperlegal.example", 8, "11:00", "12:00", "Mail deliverability"),
)


def seed(store: Store) -> None:
    """Fill the pages and their bookings."""
    for title, minutes, host, opens, closes in PAGES:
        store.insert(
            "meeting",
            {
                "user_id": host,
                "title": title,
                "description": f"{title} with our team.",
                "duration": minutes,
                "method": "online",
                "phone_option": False,
                "phone": None,
                "location": "Google Meet",
                "status": "active",
                "slug": title.lower().replace(" ", "-"),
                "applicable_from": (store.now - timedelta(days=200)).date().isoformat(),
                "applicable_to": (store.now + timedelta(days=300)).date().isoformat(),
                "reminder": True,
                "booking_status": "open",
                "timezone": "Europe/London",
                "meeting_integration_id": 1,
                "allow_guest": True,
                "opens": opens,
                "closes": closes,
                "success_message": "Thank you, a confirmation is on its way.",
                "fields": [{"label": "topic", "type": "text", "required": False}],
                "created_at": (store.now - timedelta(days=200)).isoformat(),
            },
        )
    for page, first, last, email, days, start, end, topic in BOOKINGS:
        store.insert(
            "booking",
            {
                "first_name": first,
                "last_name": last,
                "email": email,
                "date": (store.now + timedelta(days=days)).date().isoformat(),
                "time_slot_start": start,
                "time_slot_end": end,
                "booking_data": {"first_name": first, "last_name": last, "email": email, "topic": topic},
                "timezone": "Europe/London",
                "status": "confirmed",
                "country": "United Kingdom",
                "ip": "203.0.113.7",
                "browser": "Firefox",
                "os": "Linux",
                "device": "desktop",
                "created_at": (store.now - timedelta(days=25)).isoformat(),
            },
            parent=page,
        )
