"""Every case by contract id."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract import cases_billing, cases_people, cases_projects, cases_sales, cases_support
from tests.contract.case import Case

CASES: Mapping[str, Case] = {
    **cases_people.CASES,
    **cases_billing.CASES,
    **cases_support.CASES,
    **cases_projects.CASES,
    **cases_sales.CASES,
}
