"""Companies 1-12, contacts 1-40 and team members 1-8.

Company 1 has contacts 1-4, company 2 contacts 5-8 and so on up to contact 36 of company 9; companies 10-12 have one
each (37-39), contact 40 has none. Team member 1 is the administrator, member 8's invitation is pending.
"""

from __future__ import annotations

from datetime import timedelta

from taskip_mcp.sandbox.store import Store

# name, domain, country, size, type, town
COMPANIES = (
    ("Northwind Bakery", "northwindbakery.example", 2, 2, 6, "Malmö"),
    ("Lumen Optics", "lumenoptics.example", 1, 3, 3, "Jena"),
    ("Harrow & Finch", "harrowfinch.example", 3, 2, 1, "Leeds"),
    ("Cobalt Robotics", "cobaltrobotics.example", 4, 3, 7, "Pittsburgh"),
    ("Verde Market", "verdemarket.example", 5, 2, 2, "Valencia"),
    ("Kestrel Health", "kestrelhealth.example", 3, 4, 4, "Bristol"),
    ("Sakura Travel", "sakuratravel.example", 6, 2, 6, "Kyoto"),
    ("Baobab Learning", "baobablearning.example", 7, 2, 5, "Nairobi"),
    ("Juniper Legal", "juniperlegal.example", 4, 1, 1, "Portland"),
    ("Stonebridge Farms", "stonebridgefarms.example", 3, 1, 3, "York"),
    ("Atlas Climbing", "atlasclimbing.example", 1, 1, 6, "Munich"),
    ("Polar Data", "polardata.example", 2, 3, 7, "Kiruna"),
)
# The contacts in order, four for each of the first nine companies.
PEOPLE = (
    "Elsa Berg", "Jonas Ek", "Mira Holm", "Oskar Lund",
    "Anke Vogel", "Tobias Kern", "Leyla Aydin", "Matthias Roth",
    "Priya Shah", "Tom Ellery", "Gwen Parry", "Daniel Osei",
    "Maya Torres", "Ethan Brooks", "Wei Zhang", "Olivia Grant",
    "Lucía Romero", "Pablo Ferrer", "Carmen Ibáñez", "Hugo Prats",
    "Fiona Marsh", "Samuel Adeyemi", "Ruth Kellner", "Imran Malik",
    "Yuki Tanaka", "Haruto Mori", "Sora Ishii", "Aiko Ueda",
    "Amina Otieno", "Brian Kamau", "Wanjiru Njoroge", "Peter Mwangi",
    "Nathan Cole", "Rachel Stein", "Victor Alvarez", "June Park",
    "Harold Whitby", "Katrin Sommer", "Nils Sarri",
    "Zoe Fontaine",
)  # fmt: skip
POSITIONS = ("Managing Director", "Head of Marketing", "Operations Lead", "Finance Manager")
# first, last, position, role, team
TEAM = (
    ("Alex", "Morgan", "Founder", 1, 1),
    ("Ingrid", "Solberg", "Project Manager", 2, 1),
    ("Ravi", "Menon", "Lead Developer", 3, 1),
    ("Chloe", "Dubois", "Designer", 4, 1),
    ("Marcus", "Webb", "Account Executive", 2, 2),
    ("Lena", "Fischer", "Support Engineer", 3, 1),
    ("Tariq", "Hassan", "Developer", 3, 1),
    ("Bea", "Nowak", "Marketing Assistant", 4, 2),
)


def seed(store: Store) -> None:
    """Fill companies, contacts and the team."""
    for index, (name, domain, country, size, type_, town) in enumerate(COMPANIES):
        store.insert(
            "company",
            {
                "name": name,
                "email": f"hello@{domain}",
                "phone_number": f"+4400{7000 + index * 37}",
                "website": f"https://{domain}",
                "c_size": size,
                "c_type": type_,
                "country_id": country,
                "city": town,
                "address": f"{index + 3} Market Street",
                "created_at": (store.now - timedelta(days=400 - index * 25)).isoformat(),
            },
        )
    for index, full in enumerate(PEOPLE):
        _contact(store, index, full)
    for index, (first, last, position, role, team) in enumerate(TEAM):
        store.insert(
            "team_member",
            {
                "first_name": first,
                "last_name": last,
                "position": position,
                "email": f"{first.lower()}@brightside.example",
                "role_id": role,
                "team_id": team,
                "invitation": "pending" if index == 7 else "accepted",
                "created_at": (store.now - timedelta(days=700 - index * 90)).isoformat(),
            },
        )


def company_of(index: int) -> int | None:
    """The company id of the contact at `index` (from 0)."""
    if index < 36:
        return index // 4 + 1
    return index - 26 if index < 39 else None


def _contact(store: Store, index: int, full: str) -> None:
    first, last = full.split(" ", 1)
    company = company_of(index)
    domain = COMPANIES[company - 1][1] if company else "fontaine.example"
    plain = first.lower().translate(str.maketrans("íáñé", "iane"))
    store.insert(
        "contact",
        {
            "user_id": 100 + index + 1,
            "first_name": first,
            "last_name": last,
            "email": f"{plain}@{domain}",
            "company_id": company,
            "position": POSITIONS[index % 4],
            "phone_number": f"55501{index:02d}",
            "country_id": COMPANIES[company - 1][2] if company else None,
            "city": COMPANIES[company - 1][5] if company else None,
            "timezone": "Europe/London",
            "access_portal": 1 if index % 4 == 0 else 0,
            "created_at": (store.now - timedelta(days=390 - index * 9)).isoformat(),
        },
    )
