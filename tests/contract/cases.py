"""Every case by contract id."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract import cases_people, cases_sales
from tests.contract.case import Case

CASES: Mapping[str, Case] = {
    **cases_people.CASES,
    **cases_sales.CASES,
}
