import pytest

from generator import formatting
from generator.pages import tables


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (2135.7, "2,136"), (1234567, "1,234,567"), (12.345, "12.3"), (0.4, "0.400"),
        (0.00012, "0.000120"), (1.2e-7, "1.20e-07"), (99.96, "100"), (-3.14159, "-3.14"),
    ],
)  # fmt: skip
def test_figures_have_three_significant_digits(value, text):
    assert formatting.figures(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0291, "s", "29.1 ms"), (0.0996, "s", "99.6 ms"), (0.9994, "s", "999 ms"),
        (0.9996, "s", "1.00 s"),
        (1200, "s", "20.0 min"), (293e6, "B", "293 MB"), (16e9, "B", "16.0 GB"), (4, "1", "4"),
        (0.955, "1", "0.955"), (431080, "count", "431,080"), (37.999999999999986, "count", "38"),
        (0.01, "cores", "0.0100 cores"),
    ],
)  # fmt: skip
def test_quantities_have_units_that_people_read(value, unit, text):
    assert formatting.quantity(value, unit) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (1200, "1,200 runs")])
def test_one_thing_is_singular(number, text):
    assert formatting.plural(number, "run") == text
    assert formatting.plural(number, "process") == text.replace("runs", "processes").replace(
        "run", "process"
    )


def test_an_interval_has_one_unit():
    assert formatting.span(0.991, 1.013, "s") == "0.991 to 1.01 s"
    assert formatting.span(0.0281, 0.0302, "s") == "28.1 to 30.2 ms"
    assert formatting.span(2.9e8, 3.1e8, "B") == "290 to 310 MB"
    assert formatting.span(1403.2, 1500, "") == "1,403 to 1,500"


def test_days_are_read_from_run_ids_and_times():
    assert formatting.day("20261122T201500Z-3f2a9c") == "22 November 2026"
    assert formatting.day("2026-01-02T03:04:05Z") == "2 January 2026"


def test_listings():
    assert [formatting.listing(list("abc")[:n]) for n in range(4)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_every_status_has_sign_word_and_tone():
    from generator.results.schema import STATUSES

    badges = [tables.badge(status) for status in STATUSES]
    assert all(badge.sign and badge.word and badge.tone for badge in badges)
    assert len({badge.word for badge in badges}) == len(STATUSES)


def test_a_table_refuses_a_short_row():
    with pytest.raises(ValueError, match="another length"):
        tables.Table("t", (tables.Column("a"), tables.Column("b")), ((tables.Cell("x"),),))


def test_columns_of_sentences_are_wide_and_the_first_one_is_not():
    columns = [tables.Column(name, number=name == "c") for name in "abcde"]
    long = "x" * (tables.SENTENCE + 1)
    rows = (
        tuple(tables.Cell(text) for text in (long, "short", long, "short", long)),
        (*[tables.Cell("short")] * 3, tables.Cell("", detail=long), tables.Cell("short")),
    )
    assert tables.Table("t", tuple(columns), rows).wide == (False, False, False, True, True)
    assert tables.Table("t", tuple(columns), ()).wide == (False,) * 5
