"""Writes pages, charts and data files; only what changed."""

from __future__ import annotations

import contextlib
import csv
import functools
import importlib.metadata
import io
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import files
from generator.catalog import loader as registry
from generator.measure import environments
from generator.results.schema import uncomputed

if TYPE_CHECKING:
    from generator.pages.charts import style
    from generator.pages.inputs import Picture

FAVICON = registry.ROOT / "docs" / "assets" / "favicon.svg"
"""The sign of the site."""


@dataclass
class Rendered:
    """What rendering did; paths are relative to ``docs/``."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0


def vega_name() -> str:
    """Return the file name of the script that makes charts interactive."""
    return f"vega-{vl_convert_version()}.js"


def vl_convert_version() -> str:
    """Return the version of what draws the charts, and brings Vega along."""
    return importlib.metadata.version("vl-convert-python")


def vega_bundle() -> str:
    """Return the script that makes charts interactive, of the Vega that drew the pictures.

    Wrapped, because the bundle would otherwise leave thousands of names in the page. Bundling takes
    a second, so the result is kept in the cache.
    """
    kept = environments.cache_folder() / vega_name()
    try:
        return kept.read_text(encoding="utf-8")
    except OSError:
        pass
    import vl_convert

    body = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    script = f"(()=>{{{body}\n}})();\n"
    with contextlib.suppress(OSError):  # a full disk or a read-only home is no reason to stop
        files.replace(kept, script.encode(), sync=False)
    return script


class Writer:
    """Writes what changed below ``docs/`` and removes what is not wanted any more."""

    def __init__(self, docs: Path) -> None:
        self.docs = docs
        self.done = Rendered()
        self._wanted: set[str] = set()

    def wanted(self) -> frozenset[str]:
        """Return the names of all files that are wanted so far."""
        return frozenset(self._wanted)

    def keep(self, names: frozenset[str]) -> None:
        """Want files that an earlier rendering wrote."""
        self._wanted |= names

    def text(self, name: str, content: str | Any) -> None:
        """Write text or bytes; a function that makes them is called only when no file is there."""
        path = self._path(name)
        if callable(content):
            if path.is_file():
                return
            content = content()
        data = content if isinstance(content, bytes) else content.encode()
        if not path.is_file() or path.read_bytes() != data:
            files.replace(path, data, sync=False)
            self.done.written.append(name)

    def copy(self, name: str, source: Path) -> None:
        """Copy a file unless the copy is of the same size and time."""
        path = self._path(name)
        if path.is_file():
            here, there = path.stat(), source.stat()
            if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
                return
        with files.replacing(path, sync=False) as part:
            shutil.copy2(source, part)
        self.done.written.append(name)

    def draw(self, chart: style.Chart) -> Picture:
        """Draw a chart in two widths and two schemes, unless these drawings exist.

        File names carry a digest of everything that changes the drawing, so what exists is right.
        """
        from generator.pages.charts import style
        from generator.pages.inputs import Drawing, Picture

        stem = f"charts/{chart.name}.{chart.digest(vl_convert_version())}"
        drawings = []
        for size, specification in chart.specs.items():
            light = functools.cache(lambda s=specification: _svg(chart, s))
            for scheme in style.SCHEMES:
                name = f"{stem}.{size}-{scheme}.svg"
                self.text(f"report/{name}", lambda c=scheme, d=light: chart.recoloured(d(), c))
                width, height = _size(self._path(f"report/{name}"))
                drawings.append(Drawing(name, width, height))
        self.text(f"report/{stem}.json", lambda: _specification(chart))
        self.text(f"report/{stem}.csv", lambda: _rows(chart))
        return Picture(chart.alt, tuple(drawings), f"{stem}.csv", vega_name())

    def card(self, page: str, title: str, description: str, *, keep: bool) -> str:
        """Draw what a link to a page unfolds to, unless it exists; return its place in the site.

        With ``keep`` an older one is as good.
        """
        from generator.site import social_cards

        stem = page.removesuffix(".md").removeprefix("report/").replace("/", "-")
        for older in (self.docs / "report/cards").glob(f"{stem}.*") if keep else ():
            self._wanted.add(name := f"report/cards/{older.name}")
            return name
        drawing = social_cards.svg(title, description, FAVICON.read_text(encoding="utf-8"))
        name = f"report/cards/{social_cards.name(stem, drawing, vl_convert_version())}"
        self.text(name, lambda: _png(drawing))
        return name

    def finish(self) -> None:
        """Remove generated files that are not wanted any more, and empty folders."""
        self.done.unchanged = len(self._wanted) - len(self.done.written)
        report = self.docs / "report"
        for path in sorted(report.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif (name := path.relative_to(self.docs).as_posix()) not in self._wanted:
                path.unlink()
                self.done.removed.append(name)

    def _path(self, name: str) -> Path:
        self._wanted.add(name)
        return self.docs / name


def _svg(chart: style.Chart, specification: Mapping[str, Any]) -> str:
    import vl_convert

    complete = {**specification, "config": chart.configuration("light")}
    return str(vl_convert.vegalite_to_svg(complete))


def _png(drawing: str) -> bytes:
    import vl_convert

    return bytes(vl_convert.svg_to_png(drawing))


def _size(path: Path) -> tuple[int, int]:
    """Return width and height of a drawing."""
    with path.open(encoding="utf-8") as file:
        head = file.read(400)
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', head)
    return (round(float(found[1])), round(float(found[2]))) if found else (0, 0)


def _specification(chart: style.Chart) -> str:
    from generator.pages.charts import style

    schemes = {scheme: chart.configuration(scheme) for scheme in style.SCHEMES}
    return json.dumps({**chart.specs, **schemes}, separators=(",", ":"), allow_nan=False)


def _rows(chart: style.Chart) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(chart.rows[0]) if chart.rows else [], lineterminator="\n")
    writer.writeheader()
    for row in chart.rows:
        cells = {k: uncomputed(v) if isinstance(v, str) else v for k, v in row.items()}
        writer.writerow(cells)
    return text.getvalue()
