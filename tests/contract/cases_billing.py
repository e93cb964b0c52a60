"""Invoices and quotations."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.case import Case

CASES: Mapping[str, Case] = {
    "invoice.list": Case(),
    "invoice.create": Case(),
    "invoice.get": Case(),
    "invoice.update": Case(),
    "invoice.delete": Case(),
    "invoice.send_to_client": Case(),
    "invoice.status_update": Case(),
    "invoice.download_pdf": Case(),
    "invoice.payment_gateway": Case(),
    "invoice.recurring_setup": Case(),
    "invoice.bulk_actions": Case(),
    "quotation.list": Case(),
    "quotation.create": Case(),
    "quotation.get": Case(),
    "quotation.update": Case(),
    "quotation.delete": Case(),
    "quotation.convert_to_invoice": Case(),
    "quotation.send_to_client": Case(),
    "quotation.status_update": Case(),
    "quotation.bulk_actions": Case(),
}
