"""The samples of one cell, process by process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generator.pages.charts import style


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
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [blocks[0] - 0.6, blocks[-1] + 0.6], "nice": False},
        "axis": {
            "title": "block (one fresh process each)", "format": "d", "grid": False,
            "values": blocks[:: 1 + len(blocks) // 13],
        },
    }  # fmt: skip
    y = style.axis("value", "linear", [low - margin, high + margin], ticks, minExtent=room)
    state = style.kinds("state", _STATES) | {
        "legend": {"title": None, "orient": "bottom"} if both else None
    }
    told = [
        {"field": "block", "type": "quantitative", "title": "block"},
        {"field": "sample", "type": "quantitative", "title": "sample"},
        {"field": "value", "type": "quantitative"},
        *style.told(state="machine"),
    ]
    specification = style.complete(
        title,
        style.measured(measure, "", ""),
        size="narrow",
        right=10,
        width=style.WIDTHS["narrow"] - 14 - room,
        height=170,
        layer=[
            style.layer("point", look={"filled": True, "size": 22, "opacity": 0.65}, x=x, y=y,
                        color=state, shape=state, tooltip=told),
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {
                    "x": {"field": "left", "type": "quantitative"}, "x2": {"field": "right"},
                    "y": {"field": "middle", "type": "quantitative"},
                },
                "transform": [
                    {"aggregate": [{"op": "median", "field": "value", "as": "middle"}],
                     "groupby": ["block"]},
                    {"calculate": "datum.block - 0.42", "as": "left"},
                    {"calculate": "datum.block + 0.42", "as": "right"},
                ],
            },
        ],
        data={"name": "samples"},
        datasets={"samples": rows},
    )  # fmt: skip
    alt_text = (
        f"Chart: {title} {len(values)} samples in {len({v[0] for v in values})} blocks; {measure}."
    )
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
