"""The waiver file: what is read, and every mistake with its line."""

from __future__ import annotations

import pytest

from pytest_deploycheck.errors import ConfigError
from pytest_deploycheck.gate.waivers import parse_waivers
from pytest_deploycheck.model.decision import Waiver, Waivers

NOW = 1_795_261_500.0  # 2026-11-21T11:45:00Z
MIDNIGHT = 1_795_219_200.0  # 2026-11-21T00:00:00Z
DAY = 86_400.0

GOOD = """\
# reviewed by the release board
[[waiver]]
check = "tests/test_slo.py::test_p95[eu]"
reason = \"\"\"known slow query,
[[waiver]] is only a text here
mended in 1.4\"\"\"
owner = "team-db"
ticket = "CHG-7"
expires = 2026-12-31

[[waiver]]
check = "tests/test_slo.py::test_p99"
reason = "same"
owner = "team-db"
ticket = "CHG-8"
created = 2026-11-20
expires = 2026-11-21T18:00:00+01:00
"""


def entry(**changes: str | None) -> str:
    keys: dict[str, str | None] = {
        "check": '"t.py::a"',
        "reason": '"r"',
        "owner": '"o"',
        "ticket": '"CHG-1"',
        "expires": "2026-12-01",
        **changes,
    }
    return "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


def mistakes(content: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_waivers(content, source="waivers.toml", now=NOW)
    assert caught.value.next_step == "mend the waiver file; docs/waivers.md shows a whole one"
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_good_file() -> None:
    assert parse_waivers(GOOD.encode(), source="waivers.toml", now=NOW) == Waivers(
        entries=(
            Waiver(
                check="tests/test_slo.py::test_p95[eu]",
                reason="known slow query,\n[[waiver]] is only a text here\nmended in 1.4",
                owner="team-db",
                ticket="CHG-7",
                expires=MIDNIGHT + 41 * DAY,
                expires_text="2026-12-31",
                where="waivers.toml:2",
            ),
            Waiver(
                check="tests/test_slo.py::test_p99",
                reason="same",
                owner="team-db",
                ticket="CHG-8",
                expires=MIDNIGHT + 17 * 3600,
                expires_text="2026-11-21T18:00:00+01:00",
                where="waivers.toml:11",
            ),
        ),
        source="waivers.toml",
    )


@pytest.mark.parametrize("content", ["", "# nothing\n", "waiver = []\n", "\ufeff# with a byte order mark\n".encode()])
def test_no_waivers(content: str | bytes) -> None:
    assert parse_waivers(content, source="waivers.toml", now=NOW).entries == ()


def test_an_expired_waiver_is_read_and_not_forgotten() -> None:
    waivers = parse_waivers(entry(expires="2026-11-20"), source="waivers.toml", now=NOW)
    assert waivers.entries[0].expires == MIDNIGHT


def test_a_date_lasts_until_the_end_of_that_day_in_utc() -> None:
    waivers = parse_waivers(entry(expires="2026-11-21"), source="waivers.toml", now=NOW)
    assert waivers.entries[0].expires == MIDNIGHT + DAY


def test_the_last_permitted_day() -> None:
    waivers = parse_waivers(entry(expires="2027-02-19"), source="waivers.toml", now=NOW)
    assert waivers.entries[0].expires == MIDNIGHT + 91 * DAY


DATE = "(expected a date without quotes, such as 2026-12-31)"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (entry(check=None), ["waivers.toml:1: waiver[0].check: is missing (expected a text)"]),
        (entry(owner='"  "'), ["waivers.toml:4: waiver[0].owner: is empty (expected a text)"]),
        (entry(ticket="7"), ["waivers.toml:5: waiver[0].ticket: is a number (expected a text)"]),
        (entry(reason="true"), ["waivers.toml:3: waiver[0].reason: is a boolean (expected a text)"]),
        (
            entry(check='"t.py"'),
            [
                (
                    'waivers.toml:2: waiver[0].check: "t.py" is not a node id '
                    "(expected the exact id, such as tests/test_x.py::test_y[z]; there are no patterns)"
                )
            ],
        ),
        (
            entry(check='" t.py::a"'),
            [
                (
                    'waivers.toml:2: waiver[0].check: " t.py::a" is not a node id '
                    "(expected the exact id, such as tests/test_x.py::test_y[z]; there are no patterns)"
                )
            ],
        ),
        (
            entry() + entry(),
            ['waivers.toml:8: waiver[1].check: "t.py::a" is waived already in line 1 (expected one waiver a check)'],
        ),
        (
            entry(expires=None),
            ["waivers.toml:1: waiver[0].expires: is missing (expected a date at most 90 days ahead)"],
        ),
        (entry(expires='"2026-12-01"'), [f"waivers.toml:6: waiver[0].expires: is a text {DATE}"]),
        (entry(expires="12:00:00"), [f"waivers.toml:6: waiver[0].expires: is a time {DATE}"]),
        (
            entry(expires="2026-12-01T10:00:00"),
            [
                (
                    "waivers.toml:6: waiver[0].expires: 2026-12-01T10:00:00 has no offset "
                    "(expected one, such as 2026-12-31T18:00:00Z, or a date)"
                )
            ],
        ),
        (
            entry(expires="2027-02-20"),
            [
                (
                    "waivers.toml:6: waiver[0].expires: 2027-02-20 is more than 90 days after today "
                    "(expected 2027-02-19 or earlier)"
                )
            ],
        ),
        (
            entry(expires="9999-12-31"),
            [
                (
                    "waivers.toml:6: waiver[0].expires: 9999-12-31 is more than 90 days after today "
                    "(expected 2027-02-19 or earlier)"
                )
            ],
        ),
        (
            entry(expires="2026-12-31", created="2026-09-01"),
            [
                (
                    "waivers.toml:6: waiver[0].expires: 2026-12-31 is more than 90 days after created (2026-09-01) "
                    "(expected 2026-11-30 or earlier)"
                )
            ],
        ),
        (
            entry(created="2026-11-22"),
            ["waivers.toml:7: waiver[0].created: 2026-11-22 is in the future (expected today or earlier)"],
        ),
        (
            entry(expires="2026-10-01", created="2026-11-01"),
            ["waivers.toml:6: waiver[0].expires: 2026-10-01 is before created (expected a later date)"],
        ),
        (
            entry(expire="2026-10-01"),
            [
                (
                    'waivers.toml:7: waiver[0].expire: is unknown (did you mean "expires"?) '
                    "(expected one of check, reason, owner, ticket, expires, created)"
                )
            ],
        ),
        (
            entry() + "[waiver.extra]\nx = 1\n",
            [
                (
                    "waivers.toml:7: waiver[0].extra: is unknown "
                    "(expected one of check, reason, owner, ticket, expires, created)"
                )
            ],
        ),
        (
            "\n[waiver]\ncheck = 't.py::a'\n",
            ["waivers.toml:2: waiver: is not a list of tables (expected [[waiver]], with two brackets)"],
        ),
        ("waiver = 3\n", ["waivers.toml:1: waiver: is not a list of tables (expected [[waiver]], with two brackets)"]),
        (
            "x = 1\n[[waivers]]\ncheck = 't.py::a'\n",
            [
                "waivers.toml:1: x: is unknown (expected only [[waiver]] tables)",
                'waivers.toml:2: waivers: is unknown (did you mean "waiver"?) (expected only [[waiver]] tables)',
            ],
        ),
        (
            'waiver = [{ check = "t.py::a" }]\n',
            [
                "waivers.toml:1: waiver[0].reason: is missing (expected a text)",
                "waivers.toml:1: waiver[0].owner: is missing (expected a text)",
                "waivers.toml:1: waiver[0].ticket: is missing (expected a text)",
                "waivers.toml:1: waiver[0].expires: is missing (expected a date at most 90 days ahead)",
            ],
        ),
        (b'[[waiver]]\ncheck = "\xff"\n', ["waivers.toml:2: (file): is not UTF-8 at byte 20"]),
    ],
)
def test_mistakes(content: str | bytes, expected: list[str]) -> None:
    assert mistakes(content) == expected


def test_mistakes_of_all_entries_come_in_file_order() -> None:
    content = entry(check='"a::1"', expires='"x"', owner='""') + entry(check='"a::2"', reason="1")
    assert mistakes(content) == [
        "waivers.toml:4: waiver[0].owner: is empty (expected a text)",
        f"waivers.toml:6: waiver[0].expires: is a text {DATE}",
        "waivers.toml:9: waiver[1].reason: is a number (expected a text)",
    ]


@pytest.mark.parametrize(
    ("content", "where"),
    [("[[waiver]]\ncheck = \n", "waivers.toml:2: "), ("[[waiver]]\n\ncheck = '''x", "waivers.toml:3: ")],
)
def test_a_syntax_error_names_its_line(content: str, where: str) -> None:
    (mistake,) = mistakes(content)
    assert mistake.startswith(f"{where}(file): is not TOML: ")


def test_the_bound_can_be_set() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_waivers(entry(expires="2026-11-29"), source="w.toml", now=NOW, max_days=7)
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "w.toml:6: waiver[0].expires: 2026-11-29 is more than 7 days after today (expected 2026-11-28 or earlier)"
    ]


def test_lines_survive_strings_comments_and_windows_line_ends() -> None:
    tricky = (
        '[[waiver]] # it\'s """ in a comment\r\n'
        'check = "t.py::a[\\"]" # "\r\n'
        "reason = '''one\r\n"
        "owner = two '''\r\n"
        'owner = """a \\""" b\r\n'
        '"""\r\n'
        "ticket = ''\r\n"
        "expires = 2026-12-01\r\n"
    )
    assert mistakes(tricky) == ["waivers.toml:7: waiver[0].ticket: is empty (expected a text)"]
