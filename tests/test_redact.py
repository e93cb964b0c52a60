"""Secrets are known by the name of their field or by their value; what only looks like one is left alone."""

from __future__ import annotations

import base64
import contextvars
import html
import json
import logging
import re
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskip_mcp import redact
from taskip_mcp.compare import agrees
from taskip_mcp.redact import HIDDEN, clean, hidden_at, is_secret, masked
from taskip_mcp.redact.text import is_sought, is_strong, without
from taskip_mcp.settings import Settings

SECRET = "p/W+ß \"q\\<4>&7'"
"""Every kind of character that some encoding treats in its own way."""


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of other tests of this process are not hidden here, nor ours there."""
    monkeypatch.setattr(redact, "_lasting", set[str]())
    monkeypatch.setattr(redact, "_learnt", contextvars.ContextVar("learnt", default=frozenset[str]()))


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "user_password", "passwordConfirmation", "new-password", "portal password", "passwd",
        "pwd", "db_pass", "PIN", "passphrase", "secret", "client_secret", "clientSecret", "api_key", "apiKey", "APIKey",
        "apikey", "API-Key", "api key", "X-Secret-Key", "private_key", "access_key_id", "webhook_secret", "token",
        "csrf_token", "refreshToken", "accesstoken", "credentials", "cvv", "Authorization", "cookie", "stripe_key",
        "custom_fields.api_key", "items.0.password", "ｐａｓｓｗｏｒｄ", "Kennwort", "contraseña",
        "password_reset_token", "DB_PASSWORD", "signingKey",
    ],
)  # fmt: skip
def test_a_name_that_holds_secrets_is_known_in_every_spelling(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "token_count", "tokenCount", "max_tokens", "total_tokens", "password_changed_at", "has_password",
        "password_required", "token_type", "token_expires_at", "is_secret", "secretary", "secretariat", "passport",
        "passenger", "compass", "key", "public_key", "key_contact", "keyboard", "monkey", "pin_code", "pinned",
        "shipping", "opinion", "tokenize", "signature", "payment_gateway", "invoice_no", "session", "author",
        "authors", "", "_", "%",
    ],
)  # fmt: skip
def test_a_name_that_only_looks_like_one_is_left_alone(name: str) -> None:
    assert not is_secret(name)


def test_flags_counts_and_empty_values_are_no_secrets() -> None:
    record: dict[str, Any] = {
        "password": True,
        "token": None,
        "api_key": "",
        "secret": [],
        "tokens": 512,
        "pin": 0,
    }
    assert masked(record) == record
    assert masked({"tokens": ["a"], "pin": 1234}) == {"tokens": HIDDEN, "pin": HIDDEN}


def test_secrets_are_masked_at_any_depth_also_in_json_inside_of_a_text() -> None:
    record = {
        "custom_fields": {
            "Tax number": "1",
            "list": [{"api_key": "k"}, {"credentials": {"user": "u", "x": 1}}],
        },
        "items": '[{"name": "A", "password": "x"}]',
        "note": '{"not json',
        "brackets": "[sic] the password is a word here",
    }
    assert masked(record) == {
        "custom_fields": {"Tax number": "1", "list": [{"api_key": HIDDEN}, {"credentials": HIDDEN}]},
        "items": '[{"name": "A", "password": "(hidden secret)"}]',
        "note": '{"not json',
        "brackets": "[sic] the password is a word here",
    }


def test_what_is_nested_without_end_is_hidden_and_harms_nobody() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = {"a": [deep]}
    assert HIDDEN in str(masked(deep))
    redact.learn(deep)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        # The name of the gateway is no secret.
        ({"payment_gateway": "stripe"}, {"payment_gateway": "stripe"}),
        # The element shape of payment_infos is unknown: what is not known to be harmless is hidden.
        (
            {"payment_infos": [{"id": 1, "amount": 5.5, "method": "paypal", "payer": "x@y", "account_no": 77}]},
            {"payment_infos": [{"id": 1, "amount": 5.5, "method": "paypal", "payer": HIDDEN, "account_no": HIDDEN}]},
        ),
        # As older versions of the API had it, and as a gateway's object would be.
        (
            {"gateway": "stripe", "settings": {"publishable": "pk", "mode": "live", "capture": True}},
            {"gateway": "stripe", "settings": {"publishable": HIDDEN, "mode": "live", "capture": True}},
        ),
        ({"stripe": {"account": {"ref": "acct_1"}}}, {"stripe": {"account": {"ref": HIDDEN}}}),
        ({"payment_gateway_settings": ["a", ""]}, {"payment_gateway_settings": [HIDDEN, ""]}),
        ({"paymentConfig": {"merchant": "m"}}, {"paymentConfig": {"merchant": HIDDEN}}),
        # Settings of anything else, and what else is about payments.
        ({"settings": {"theme": "dark"}}, {"settings": {"theme": "dark"}}),
        ({"payable": {"payment_type": "full-amount"}}, {"payable": {"payment_type": "full-amount"}}),
    ],
)  # fmt: skip
def test_the_settings_of_payment_gateways_are_hidden_and_the_payments_stay_recognisable(
    given: Any, shown: Any
) -> None:
    assert masked(given) == shown
    assert masked(shown) == shown


# --- values -----------------------------------------------------------------------------------------------


def forms(secret: str) -> dict[str, str]:
    """The secret as other programs may write it."""
    escaped = json.dumps(secret)[1:-1]
    units = secret.encode("utf-16-be")
    encoded = base64.b64encode(f"ada:{secret}".encode()).decode()
    return {
        "plain": secret,
        "percent": quote(secret, safe=""),
        "percent, lower case": re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
        "form": quote_plus(secret),
        "percent twice": quote(quote(secret, safe=""), safe=""),
        "all percent": "".join(f"%{byte:02X}" for byte in secret.encode()),
        "JSON": escaped,
        "JSON, UTF-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "PHP's JSON": escaped.replace("/", "\\/"),
        "all JSON": "".join(f"\\u{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2)),
        "JSON in JSON": json.dumps(escaped)[1:-1],
        "Python's bytes": repr(secret.encode())[2:-1],
        "Python's bytes of JSON": repr(json.dumps(secret, ensure_ascii=False).encode())[3:-2],
        "HTML": html.escape(secret),
        "HTML twice": html.escape(html.escape(secret)).replace("&amp;#", "&#"),
        "all HTML": "".join(f"&#{ord(sign)};" for sign in secret),
        "base64": base64.b64encode(secret.encode()).decode(),
        "base64 of more": encoded,
        "base64 of other more": base64.b64encode(f"a:{secret}!".encode()).decode(),
        "base64 for addresses": base64.urlsafe_b64encode(f"ad:{secret}".encode()).decode(),
        "base64 in an address": quote(encoded, safe=""),
    }


@pytest.mark.parametrize("form", forms(SECRET))
def test_a_known_secret_is_hidden_in_every_encoding(form: str) -> None:
    written = forms(SECRET)[form]
    redact.keep(SECRET)
    assert clean(f"Key '{written}' is wrong") == f"Key '{HIDDEN}' is wrong"
    assert masked({"note": f"x{written}"})["note"] in {f"x{HIDDEN}", HIDDEN}


@given(st.text(min_size=8, max_size=40).filter(lambda secret: not secret.isdigit() and is_sought(secret)))
def test_any_strong_secret_is_found_wherever_it_stands(secret: str) -> None:
    for written in forms(secret).values():
        shown = without(f"a{written}b", [secret])
        assert HIDDEN in shown
        assert written not in shown.replace(HIDDEN, "")


def test_a_very_long_key_is_hidden_to_its_end() -> None:
    key = "eyJ" + "aB3x" * 300
    assert without(f"key={key} rest", [key]) == f"key={HIDDEN} rest"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The password 123456 is too common", "The password (hidden secret) is too common"),
        ('"123456" is too common', '"(hidden secret)" is too common'),
        ("tried 123456.", "tried (hidden secret)."),
        ("p%3D%22123456%22", "p%3D%22(hidden secret)%22"),
        ("invoice 1234567 of 0123456", "invoice 1234567 of 0123456"),
        ("INV-123456 and #123456", "INV-123456 and #123456"),
        ("123456.50 EUR, 99,123456, 123456-7", "123456.50 EUR, 99,123456, 123456-7"),
        ("/contact/123456/notes", "/contact/123456/notes"),
        ("+49123456", "+49123456"),
    ],
)
def test_a_short_secret_is_hidden_only_where_it_stands_alone(text: str, shown: str) -> None:
    redact.learn({"password": "123456"})
    assert clean(text) == shown


def test_a_weak_secret_never_changes_a_record() -> None:
    redact.learn({"password": "123456", "pin": 987654321, "api_key": "berlin"})
    record = {"zip_code": "123456", "phone_number": "987654321", "city": "berlin", "total": 123456}
    assert masked(record) == record
    assert not any(is_strong(secret) for secret in ("123456", "987654321", "berlin"))


def test_a_secret_that_is_an_ordinary_word_is_not_looked_for() -> None:
    redact.keep("password", "secret-key", "abc", "")
    assert clean("The password must have 6 characters. abc") == "The password must have 6 characters. abc"


def test_a_secret_is_known_for_the_call_that_brought_it_and_a_key_for_good() -> None:
    def call() -> str:
        redact.learn(
            {"extra": '{"api_key": "canary-one-1"}', "credentials": {"url": "https://x", "k": "canary-two-2"}}
        )
        return clean("canary-one-1 canary-two-2 https://x lasting-key-3")

    redact.keep("lasting-key-3")
    shown = contextvars.copy_context().run(call)
    assert shown == "(hidden secret) (hidden secret) https://x (hidden secret)"
    assert clean("canary-one-1 lasting-key-3") == "canary-one-1 (hidden secret)"


@pytest.mark.parametrize(
    "address",
    [
        "redis://user:p%40ss-word-1@127.0.0.1:6379/0",
        "rediss://:p%40ss-word-1@[::1]:6379",
        "redis://[broken:p%40ss-word-1@127.0.0.1",
        "redis://127.0.0.1/0?password=p%40ss-word-1",
    ],
)
def test_the_settings_tell_what_is_secret(address: str) -> None:
    redact.keep_settings(Settings(secret_key="the-api-key", rate_store=address))
    assert (
        clean("the-api-key p@ss-word-1 p%40ss-word-1 user")
        == "(hidden secret) (hidden secret) (hidden secret) user"
    )


# --- texts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"password": "a\\"b c", "x": 1}', '{"password": "(hidden secret)", "x": 1}'),
        ("{'pin': 1234, 'x': 1}", "{'pin': (hidden secret), 'x': 1}"),
        ('{"a": "{\\"api_key\\": \\"k\\"}"}', '{"a": "{\\"api_key\\": \\"(hidden secret)\\"}"}'),
        ("(b'X-Secret-Key', b'abc')", "(b'X-Secret-Key', b'(hidden secret)')"),
        ("'password' => 'abc', 'email' => 'x'", "'password' => '(hidden secret)', 'email' => 'x'"),
        ("GET /x?token=abc&page=2", "GET /x?token=(hidden secret)&page=2"),
        ("DB_PASSWORD=abc DB_HOST=x", "DB_PASSWORD=(hidden secret) DB_HOST=x"),
        ("X-Secret-Key: abc", "X-Secret-Key: (hidden secret)"),
        ("redis://user:abc@host:1/0", "redis://user:(hidden secret)@host:1/0"),
        ("The password field is required.", "The password field is required."),
        ("password: The password must be longer.", "password: The password must be longer."),
        ('Give "password", "email" and so on.', 'Give "password", "email" and so on.'),
        ("token_count=5, max_tokens=7", "token_count=5, max_tokens=7"),
        ("https://host:8000/path?at=12:30@noon", "https://host:8000/path?at=12:30@noon"),
    ],
)  # fmt: skip
def test_what_stands_behind_a_secret_name_is_hidden_and_sentences_stay(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_line_of_the_log_is_clean_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    redact.keep("canary-key-11")
    caplog.handler.setFormatter(redact.HidingFormatter("%(message)s"))
    try:
        raise RuntimeError("with canary-key-11 inside")
    except RuntimeError:
        logging.getLogger("any").exception("%s failed", quote("canary-key-11"))
    assert "RuntimeError: with (hidden secret) inside" in caplog.text
    assert "canary" not in caplog.text.replace('RuntimeError("with canary-key-11 inside")', "")


# --- and back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"a": 1, "custom_fields": {"k": [{"api_key": HIDDEN}]}}, "custom_fields.k.0.api_key"),
        ({"password": HIDDEN}, "password"),
        ({"note": f"the key {HIDDEN} is old"}, "note"),
        ({"note": "the menu (hidden) is closed"}, None),
        (None, None),
    ],
)
def test_a_hidden_value_is_found_where_it_would_be_sent_back(body: Any, place: str | None) -> None:
    assert hidden_at(body) == place


def test_what_is_hidden_proves_nothing_about_a_write() -> None:
    assert agrees("abc", HIDDEN) is None
    assert agrees(HIDDEN, "abc") is None
    assert agrees(["abc"], [HIDDEN]) is None
