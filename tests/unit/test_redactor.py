"""The ready redactor: what it masks, what it leaves, that it takes linear time; and how redactors are found."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops.redaction import mask_secrets
from agentops_instrumentors.core import content, redactors
from agentops_instrumentors.core.content import ContentMode, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, TOKEN, ADDRESS, CARD = "[masked API key]", "[masked token]", "[masked e-mail address]", "[masked card number]"
LETTERS = "Ab3dEf6hIj9kLm2nOp5q"
MASKED = {
    **{
        prefix + LETTERS * 2: KEY
        for prefix in (
            *("sk-", "sk-proj-", "sk-ant-api03-", "sk_live_", "rk_test_", "whsec_", "AIzaSy", "ya29.", "ghp_", "github_pat_", "glpat-"),
            *("xoxb-12345-", "hf_", "gsk_", "xai-", "pplx-", "r8_", "nvapi-", "npm_", "pypi-", "tvly-", "lsv2_pt_"),
        )
    },
    "AKIAIOSFODNN7EXAMPLE": KEY,
    "pk-lf-12345678-abcd-ef00-1234-567890abcdef": KEY,
    "SG.abcdefghijklmnopqrst.uvwxyz0123456789ABCD": KEY,
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----": KEY,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N": TOKEN,
    "Bearer abcDEF123456": f"Bearer {TOKEN}",
    "Authorization: Basic dXNlcjpwYXNz": f"Authorization: Basic {TOKEN}",
    "authorization: plainvalue": f"authorization: {TOKEN}",
    "alice.b+tag@mail.example.co.uk": ADDRESS,
    "ユーザー@例え.jp": ADDRESS,
    "user%40example.com": ADDRESS,
    "4111111111111111": CARD,
    "4111 1111 1111 1111": CARD,
    "5555-5555-5555-4444": CARD,
    "378282246310005": CARD,
    "6011111111111117": CARD,
    "3530111333300000": CARD,
    "password=hunter2hunter2": f"password={KEY}",
    '{\\"api_key\\": \\"hunter2hunter2\\"}': f'{{\\"api_key\\": \\"{KEY}\\"}}',
    "OPENAI_API_KEY=0123456789abcdef": f"OPENAI_API_KEY={KEY}",
    "https://x.example/?key=abcdef0123&q=1": f"https://x.example/?key={KEY}&q=1",
    "postgres://user:hunter2@db.example/x": f"postgres://{TOKEN}@db.example/x",
}
LEFT = (
    "max_tokens: 100000",
    "bearer responsibilities and token economics",
    "1763731562000",
    "4111111111111112",
    "0.4111111111111111",
    "a1b2c3d4-0000-4000-8000-0123456789ab",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "@decorator and a@b",
    "call +49 30 1234567",
    "2024-01-01 12:00:00.123456",
    "",
)
ADVERSARIAL = (
    "token+",
    "a@",
    "a@a.",
    "-----BEGIN PRIVATE KEY-----",
    "1-1",
    "1 ",
    "eyJaaaaaaaa.",
    "SG.",
    "a_",
    "api-key:",
    "x://a:",
    "%40",
    "sk-",
)


@pytest.mark.parametrize("secret", MASKED)
def test_a_secret_is_masked_and_nothing_around_it(secret: str) -> None:
    assert mask_secrets(secret) == MASKED[secret]
    assert mask_secrets(f"before ({secret}) after, 12 times") == f"before ({MASKED[secret]}) after, 12 times"
    assert mask_secrets(mask_secrets(secret)) == MASKED[secret]


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == text


def test_a_card_is_found_beside_other_numbers() -> None:
    assert mask_secrets("on 2024-01-01 4111 1111 1111 1111 12/26 123") == f"on 2024-01-01 {CARD} 12/26 123"


@settings(derandomize=True, max_examples=150, deadline=None)
@given(before=st.text(max_size=30), after=st.text(max_size=30), secret=st.sampled_from(sorted(MASKED)))
def test_it_never_fails_and_what_is_masked_stays_masked(before: str, after: str, secret: str) -> None:
    once = mask_secrets(f"{before} {secret} {after}")
    assert mask_secrets(once) == once
    assert secret not in once


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_time_is_linear_in_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        started = time.process_time()
        mask_secrets(text)
        return time.process_time() - started

    # Quadratic time would be 64 times as much; the floor keeps a moment of the machine's own from counting.
    assert seconds(80_000) < 32 * max(seconds(10_000), 0.02)


@pytest.fixture
def fresh_policy() -> Iterator[None]:
    content.set_default_mode(ContentMode.SPAN_ONLY)
    yield
    content.set_default_mode(ContentMode.NO_CONTENT)


def brought_along(folder: Path, name: str) -> None:
    """A distribution that brings a redactor."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[agentops_redactor]\n{name} = {name}:hide\n")
    (folder / f"{name}.py").write_text(f"def hide(text):\n    return text.replace('secret', '{name}')\n")


def test_ours_applies_only_where_it_is_named(monkeypatch: pytest.MonkeyPatch, fresh_policy: None) -> None:
    assert content.policy().redactor is None
    monkeypatch.setenv("AGENTOPS_REDACTOR", "secrets")
    content.set_default_mode(ContentMode.SPAN_ONLY)
    assert content.redact("to bob@example.com", content.policy()) == f"to {ADDRESS}"


def test_one_that_a_distribution_brings_applies_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_policy: None) -> None:
    brought_along(tmp_path, "house_rules_a")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert content.redact("a secret", content.policy()) == "a house_rules_a"
    monkeypatch.setenv("AGENTOPS_REDACTOR", "none")
    content.set_default_mode(ContentMode.SPAN_ONLY)
    assert content.policy().redactor is None


def test_several_apply_one_after_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_policy: None) -> None:
    brought_along(tmp_path, "house_rules_b")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("AGENTOPS_REDACTOR", "house_rules_b:hide, secrets")
    assert content.redact("a secret to bob@example.com", content.policy()) == f"a house_rules_b to {ADDRESS}"
    monkeypatch.setenv("AGENTOPS_REDACTOR", "secrets, not_installed")
    content.set_default_mode(ContentMode.SPAN_ONLY)
    assert content.redact("anything", content.policy()) == redactors.FAILED


def test_a_redactor_is_loaded_with_the_first_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_policy: None) -> None:
    monkeypatch.setenv("AGENTOPS_REDACTOR", "house_rules_c:hide")
    policy = content.policy()
    brought_along(tmp_path, "house_rules_c")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert content.redact("a secret", policy) == "a house_rules_c"


def test_keys_and_numbers_pass_it_and_names_of_fields_do_not() -> None:
    policy = Policy(ContentMode.SPAN_ONLY, redactor=mask_secrets)
    value = {"bob@example.com": 1, "eve@example.com": 2, "card": 4111111111111111, "size": 12345678, "token_count": 7}
    assert content.to_values(value, policy) == {ADDRESS: 1, f"{ADDRESS}'": 2, "card": CARD, "size": 12345678, "token_count": 7}


def test_inline_bytes_are_left_out_of_any_text() -> None:
    policy = Policy(ContentMode.SPAN_ONLY)
    data = base64.b64encode(b"x" * 300).decode()
    assert content.to_values([f"see data:image/png;base64,{data}!"], policy) == ["see data:image/png;base64,[300 bytes left out]!"]
    assert data not in content.to_json({"image": f"data:image/png;base64,{data}"}, policy)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_too_long_to_write_is_no_failure(sign: int) -> None:
    assert "bits" in content.to_json([sign * 10**5000], Policy(ContentMode.SPAN_ONLY))
