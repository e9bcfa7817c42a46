"""The samples of one cell, process by process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generator.formatting import plural
from generator.pages.charts import style
from generator.pages.charts.style import placeholder


def samples(
    name: str, title: str, values: Sequence[tuple[int, int, float, bool]], *, measure: str
) -> style.Chart:
    """Return a chart of raw samples: one column a block, in the order they were taken.

    It is small enough for a phone, and drawn in that size only.

    Args:
        name: readable part of the file names.
        title: the finding.
        values: (block, sample, value, disturbed).
        measure: what a sample is, with its unit.

    """
    rows = _spread(values)
    blocks = sorted({row["block"] for row in rows})
    low, high = (end(value[2] for value in values) for end in (min, max))
    margin = 0.05 * ((high - low) or abs(high) or 1.0)
    ticks = style.linear_ticks(low - margin, high + margin, 5)
    room = style.axis_room(ticks)
    both = len({row["state"] for row in rows}) > 1
    specification = style.complete(
        title,
        style.measured(measure, "", ""),
        size="narrow",
        right=10,
        width=style.WIDTHS["narrow"] - 14 - room,
        **style.filled_in(
            _samples_frame(both),
            domain=[blocks[0] - 0.6, blocks[-1] + 0.6],
            domain_y=[low - margin, high + margin],
            values_y=ticks,
            room_y=room,
            values=blocks[:: 1 + len(blocks) // 13],
        ),
        datasets={"samples": rows},
    )
    counts = f"{plural(len(values), 'sample')} in {plural(len({v[0] for v in values}), 'block')}"
    alt_text = f"Chart: {title} {counts}; {measure}."
    names = ("block", "sample", "value", "disturbed")
    taken = tuple(dict(zip(names, value, strict=True)) for value in values)
    return style.Chart(name, title, alt_text, {"narrow": specification}, taken)


def _spread(values: Sequence[tuple[int, int, float, bool]]) -> list[dict[str, Any]]:
    """Place the samples of each block side by side within its column."""
    last: dict[int, int] = {}
    for block, sample, _, _ in values:
        last[block] = max(sample, last.get(block, 0))
    return [
        {
            "x": round(block + 1 + 0.7 * (sample / (last[block] or 1) - 0.5), 3),
            "block": block + 1,
            "sample": sample + 1,
            "value": float(f"{value:.4g}"),
            "state": _STATES[disturbed],
        }
        for block, sample, value, disturbed in values
    ]


_STATES = ("quiet", "disturbed by other programs")


@style.framed
def _samples_frame(both: bool) -> Any:
    """Return the chart of samples, with a legend where both states occur."""
    import altair as alt

    scale = alt.Scale(domain=list(_STATES))
    legend = alt.Legend(title=None, orient="bottom") if both else None
    base = alt.Chart(alt.NamedData("samples"))
    points = base.mark_point(filled=True, size=22, opacity=0.65).encode(
        x=alt.X(
            "x:Q",
            scale=alt.Scale(domain=placeholder("domain"), nice=False),
            axis=alt.Axis(
                title="block (one fresh process each)",
                values=placeholder("values"),
                grid=False,
                format="d",
            ),
        ),
        y=style.upright("value", "linear"),
        color=alt.Color("state:N", scale=scale, legend=legend),
        shape=alt.Shape("state:N", scale=scale, legend=legend),
        tooltip=[
            alt.Tooltip("block:Q", title="block"),
            alt.Tooltip("sample:Q", title="sample"),
            alt.Tooltip("value:Q"),
            alt.Tooltip("state:N", title="machine"),
        ],
    )
    medians = (
        base.transform_aggregate(middle="median(value)", groupby=["block"])
        .transform_calculate(left="datum.block - 0.42", right="datum.block + 0.42")
        .mark_rule(strokeWidth=2)
        .encode(x="left:Q", x2="right:Q", y="middle:Q")
    )
    return alt.layer(points, medians).properties(height=170)
