"""Codes that nobody made: nothing that differs from a real one in a single bit is opened, however it is written."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from taskip_mcp.seal import Sealer, SealError
from tests.gatehouse import gatehouse, settings, words

pytestmark = pytest.mark.anyio

SIGNS = string.printable + "äé€\u0000\u200b٣"


def opened(change: Callable[[str], str]) -> None:
    """A real code, changed, is opened; it must be refused if it is not the one that was made."""
    sealer = Sealer(settings("strict"), "account")
    call, version = sealer.call("delete_contact", {"contact_id": 1}), sealer.version("v")
    code = sealer.seal("code", call, version, 2000.0)
    assert sealer.open("code", code, call, 1001.0).version == version
    changed = change(code)
    if changed != code:
        with pytest.raises(SealError):
            sealer.open("code", changed, call, 1001.0)


def test_no_code_with_another_character_anywhere_is_opened() -> None:
    sealer = Sealer(settings("strict"), "account")
    call = sealer.call("delete_contact", {"contact_id": 1})
    code = sealer.seal("code", call, sealer.version("v"), 2000.0)
    taken: list[str] = []
    for at in range(len(code)):
        for sign in SIGNS:
            changed = code[:at] + sign + code[at + 1 :]
            try:
                sealer.open("code", changed, call, 1001.0)
            except SealError:
                continue
            taken.append(changed)
    assert taken == [code] * len(code)


@effort(max_examples=200, deadline=None)
@given(st.data())
def test_no_code_that_was_cut_grown_or_mixed_is_opened(data: st.DataObject) -> None:
    def change(code: str) -> str:
        start = data.draw(st.integers(0, len(code)))
        end = data.draw(st.integers(start, len(code)))
        put = data.draw(
            st.one_of(st.text(max_size=4), st.sampled_from(["=", "==", "\n", " ", code, code[:8]]))
        )
        return code[:start] + put + code[end:]

    opened(change)


SPELLINGS: list[Callable[[str], str]] = [
    lambda code: code + "=",
    lambda code: code + "==",
    lambda code: code + "\n",
    lambda code: " " + code,
    lambda code: code.lower(),
    lambda code: code.swapcase(),
    lambda code: "".join(chr(ord(sign) + 0xFEE0) for sign in code),  # full-width forms
    lambda code: base64.b64encode(base64.urlsafe_b64decode(code + "=")).decode(),  # the other alphabet
    lambda code: base64.urlsafe_b64decode(code + "=").hex(),
    lambda code: code * 2,
    lambda _: "",
    lambda code: "A" * len(code),
    lambda _: "=" * 60,
    lambda _: "A" * 100_000,
    lambda code: code[:11] + "_____w" + code[17:],  # a later end
]


@pytest.mark.parametrize("change", SPELLINGS)
def test_no_other_spelling_of_a_code_is_opened(change: Callable[[str], str]) -> None:
    for _ in range(20):  # the codes that hold none of - and _ have one spelling in both alphabets
        opened(change)


@pytest.mark.parametrize("forged", ["x", "A" * 59, "٣" * 59, "\u202e", "=", "[]", "{}"])
async def test_the_server_refuses_what_is_no_code_in_words(forged: str) -> None:
    async with gatehouse("strict") as at:
        await at.shown("delete_contact", contact_id=1)
        text = await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=forged)
        assert "The confirmation is not" in text
        endless = words(
            await at.call("delete_contact", contact_id=1, confirm=True, confirm_code=forged * 5000)
        )
        assert "Nothing was sent" in endless
        assert len(endless) < 300
        assert at.door.writes == []


async def test_every_last_character_but_the_real_one_is_refused_by_the_server() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("delete_contact", contact_id=1)
        for sign in string.ascii_letters + string.digits + "-_":
            if sign != code[-1]:
                forged = code[:-1] + sign
                await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=forged)
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=code)


async def test_under_strict_no_confirmation_counts_without_a_code() -> None:
    async with gatehouse("strict") as at:
        await at.shown("delete_contact", contact_id=1)
        for code in (None, ""):
            text = await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code=code)
            assert "confirm_code of a preview" in text


def test_what_was_made_for_one_use_is_not_opened_for_another() -> None:
    sealer = Sealer(settings("strict"), "account")
    call, version = sealer.call("delete_contact", {"contact_id": 1}), sealer.version("v")
    for use in ("code", "person", "call", "version", ""):
        made = sealer.seal(use, call, version, 2000.0)
        for other in {"code", "person", "call", "version", "", "coder", "cod"} - {use}:
            with pytest.raises(SealError, match="not one of this server"):
                sealer.open(other, made, call, 1000.0)


def test_a_digest_is_no_seal() -> None:
    """What can be read in one code, such as the digests of call and version, makes no other one."""
    sealer = Sealer(settings("strict"), "account")
    call, version = sealer.call("delete_contact", {"contact_id": 1}), sealer.version("v")
    raw = base64.urlsafe_b64decode(sealer.seal("code", call, version, 2000.0) + "=")
    other = sealer.call("delete_contact", {"contact_id": 2})
    forged = raw.replace(call, other)
    assert forged != raw
    with pytest.raises(SealError):
        sealer.open("code", base64.urlsafe_b64encode(forged).rstrip(b"=").decode(), other, 1000.0)
