"""A ready redactor: `AGENTOPS_REDACTOR=secrets` masks API keys, tokens, e-mail addresses and card numbers in recorded content.

What is recognised is listed in docs/privacy.md. Time is linear in the length of the text, whatever it holds: every pattern starts
only where a word does, and no repetition is nested in another without a bound.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["mask_secrets"]

KEY: Final = "[masked API key]"
TOKEN: Final = "[masked token]"
ADDRESS: Final = "[masked e-mail address]"
CARD: Final = "[masked card number]"

_KEYS: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"sk-[A-Za-z0-9_-]{16,}|pk-lf-[A-Za-z0-9-]{16,}"
    r"|[spr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|GOCSPX-[A-Za-z0-9_-]{16,}"
    r"|A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|ptt|dt|rt|soat)-[A-Za-z0-9_-]{16,}"
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"
    r"|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}|pplx-[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}|nvapi-[A-Za-z0-9_-]{20,}"
    r"|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{20,}|dapi[a-f0-9]{32}|do[opr]_v1_[a-f0-9]{32,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[a-f0-9]{32}|tvly-[A-Za-z0-9-]{16,}|lsv2_[A-Za-z0-9_]{20,}"
    r")"
)
_PRIVATE_KEYS: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?")
_JSON_WEB_TOKENS: Final = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")
_AUTHORIZATIONS: Final = re.compile(
    r"(?i)(authorization\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?(?:(?:bearer|basic|token|digest|negotiate)\s{1,8})?)"
    r"(?!(?:bearer|basic|token|digest|negotiate)\b)[^\s\"'\\,;<>(){}\[\]]{4,}"
)
_BEARERS: Final = re.compile(
    r"(?<![A-Za-z0-9_])((?i:bearer|basic|token))(\s{1,8}|%20|\+)(?=.[A-Za-z0-9._~+/=-]{0,128}?[0-9A-Z])[A-Za-z0-9._~+/=-]{8,}"
)
_NAMED: Final = re.compile(
    r"(?i)(?<![A-Za-z0-9])"
    r"((?:[A-Za-z0-9]{1,24}[_-]){0,4}(?:api[_-]?key|apikey|access[_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token"
    r"|id[_-]?token|client[_-]?secret|secret|password|passwd|pwd|token|x-goog-api-key|ocp-apim-subscription-key)"
    r"\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)"
    r"([^\s\"'\\,;&<>(){}\[\]]{6,})"
)
_KEY_IN_URL: Final = re.compile(
    r"(?i)([?&](?:key|api_key|apikey|sig|signature|token|access_token|x-amz-signature|x-amz-security-token)=)[^&\s\"'<>\[\]]{6,}"
)
_PASSWORD_IN_URL: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}://)[^\s/:@\"'<>\[\]]{0,128}:[^\s/@\"'<>\[\]]{1,256}@"
)
_ADDRESSES: Final = re.compile(
    r"(?<![\w.%+-])[\w.%+-]+(?:@|%40)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:[^\W\d_]{2,24}|xn--[A-Za-z0-9-]{2,58})(?![\w-])"
)
_DIGITS: Final = re.compile(r"(?<![\d.])\d(?:[ \u00a0-]?\d){12,}")
_SEPARATORS: Final = " \u00a0-"
_SHORTEST_CARD: Final = 13
_LONGEST_CARD: Final = 19


def mask_secrets(text: str) -> str:
    """`text` with every secret it recognises replaced by `[masked …]`; what is masked already stays as it is."""
    if "-----BEGIN " in text:
        text = _PRIVATE_KEYS.sub(KEY, text)
    if "://" in text:
        text = _PASSWORD_IN_URL.sub(rf"\1{TOKEN}@", text)
    text = _KEYS.sub(KEY, text)
    if "eyJ" in text:
        text = _JSON_WEB_TOKENS.sub(TOKEN, text)
    if "=" in text or ":" in text:
        text = _AUTHORIZATIONS.sub(rf"\1{TOKEN}", text)
        text = _KEY_IN_URL.sub(rf"\1{KEY}", _NAMED.sub(rf"\1{KEY}", text))
    text = _BEARERS.sub(rf"\1\2{TOKEN}", text)
    if "@" in text or "%40" in text:
        text = _ADDRESSES.sub(ADDRESS, text)
    return _DIGITS.sub(_without_cards, text)


def _without_cards(found: re.Match[str]) -> str:
    """A run of digits and single separators, its card numbers masked; a card begins and ends where a group of digits does."""
    run = found.group()
    kept: list[str] = []
    start = 0
    while start < len(run):
        end = _card_end(run, start) if start == 0 or run[start - 1] in _SEPARATORS else None
        kept.append(run[start] if end is None else CARD)
        start = start + 1 if end is None else end
    return "".join(kept)


def _card_end(run: str, start: int) -> int | None:
    """Where the longest card number that begins at `start` ends; None where none does."""
    digits: list[int] = []
    end = None
    for place in range(start, len(run)):
        if run[place] in _SEPARATORS:
            continue
        digits.append(int(run[place]))
        if len(digits) > _LONGEST_CARD:
            break
        if (place + 1 == len(run) or run[place + 1] in _SEPARATORS) and _is_card(digits):
            end = place + 1
    return end


def _is_card(digits: list[int]) -> bool:
    """Whether the digits are a payment card's: an issuer's beginning, a length that issuer uses, and the check digit (ISO/IEC 7812)."""
    if len(digits) < _SHORTEST_CARD or len(digits) not in _lengths(int("".join(map(str, digits[:4])))):
        return False
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (doubled + sum(digits[-1::-2])) % 10 == 0


def _lengths(prefix: int) -> tuple[int, ...]:
    """How long the numbers are whose first four digits are `prefix`."""
    two = prefix // 100
    if two // 10 == 4:
        return (13, 16, 19)
    if two in (34, 37):
        return (15,)
    if 51 <= two <= 55 or 2221 <= prefix <= 2720:
        return (16,)
    if two in (30, 36, 38, 39):
        return (14, 16, 19)
    if two == 35:
        return (16, 19)
    if two // 10 == 6 or two in (50, 56, 57, 58):
        return (13, 14, 15, 16, 17, 18, 19)
    return ()
