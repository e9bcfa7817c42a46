"""Writes ``docs/report/``, ``docs/index.md`` and the navigation, and calls MkDocs.

Everything it writes is derived; a file is written only when its content changed, and generated
files that nothing asks for any more are removed.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime
import functools
import importlib.metadata
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.catalog import loader as registry
from generator.export import citation
from generator.measure import environments
from generator.pages import overviews
from generator import subprocesses
from generator.errors import GeneratorError
from generator.errors import InputError
from generator.analysis.panels import Figures

if TYPE_CHECKING:
    from generator.pages.charts import intervals
    from generator.pages import section_page
    from generator.catalog.loader import Catalog
    from generator.catalog.loader import Section
    from generator.results.reading import Results

RENDERED = "SYMBOLIC_COMPARISON_RENDERED"
"""Set for the MkDocs that :func:`build` starts: its hook need not render again."""

BEGIN, END = "# nav: begin\n", "# nav: end\n"


@dataclass
class Rendered:
    """What :func:`render` did; paths are relative to ``docs/``."""

    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0


def render(
    root: Path = registry.ROOT,
    results_root: Path | None = None,
    *,
    frameworks: Path | None = None,
    docs: Path | None = None,
    today: datetime.date | None = None,
    preview: bool = False,
) -> Rendered:
    """Turn results and templates into Markdown, charts and downloads.

    Args:
        root: the repository.
        results_root: where the results lie; ``measurements/results`` when not given.
        frameworks: another folder of framework folders (tests bring tiny fakes).
        docs: another folder to write to; then ``mkdocs.yml`` is left as it is.
        today: the day for which the pages are made (UTC); None: this one.
        preview: keep the files of the whole data set, if there are any: a page that is looked at
            while it is written need not wait for them.

    Raises:
        InputError: a result, a ``framework.toml``, ``claims.toml``, ``CITATION.cff`` or the
            address in ``mkdocs.yml`` is not as agreed.

    """
    from generator.results import reading

    results_root = results_root or root / "measurements" / "results"
    catalog = registry.load(root, frameworks)
    loaded = reading.load(results_root)
    writer = _Writer(docs or root / "docs")
    shown = reading.shown(loaded, catalog.listed)
    today = today or datetime.datetime.now(datetime.UTC).date()
    cited = citation.load(root / citation.FILE)
    address = site_address(root)
    inputs = dataclasses.replace(
        _inputs(root, results_root, catalog, loaded, shown, today),
        dataset=_dataset(writer, loaded, cited, address, keep=preview),
        citation=cited,
        address=address,
    )
    _pages(root, results_root, inputs, writer)
    told = [*shown["provenance"].unique(), *inputs.history["provenance"].unique()]
    told += [key for event in inputs.events for key in event.keys]
    for key in sorted(set(map(str, told))):
        _publish(writer, results_root, key, loaded.documents[key])
    writer.text(f"report/charts/{vega_name()}", vega_bundle)
    writer.finish()
    if docs is None:
        _write_navigation(root, catalog, writer.done)
    return writer.done


def site_address(root: Path) -> str:
    """Return the public address of the site as ``mkdocs.yml`` says it, "" where it does not.

    Raises:
        InputError: it is no address.

    """
    from mkdocs.utils.yaml import yaml_load

    path = root / "mkdocs.yml"
    said = str(yaml_load(path.read_text(encoding="utf-8")).get("site_url") or "")
    if said and not re.fullmatch(r"https?://[A-Za-z0-9._~:/@%-]+", said):
        expected = "an address such as https://example.org/comparison/ (environment: SITE_URL)"
        raise InputError(path, None, f"site_url {said!r}", expected)
    return said if said.endswith("/") or not said else f"{said}/"


def build(root: Path = registry.ROOT, results_root: Path | None = None) -> Path:
    """Render, then build the site with ``mkdocs build --strict``; return the page to open.

    Raises:
        GeneratorError: MkDocs found a fault, for example a dead link; with its output.

    """
    render(root, results_root)
    _mkdocs(root, "build", "--strict", "--clean")
    return root / "site" / "index.html"


def serve(address: str = "127.0.0.1:8000", root: Path = registry.ROOT) -> None:
    """Preview the site with live re-rendering until Ctrl-C; the hook does the rendering."""
    environment = dict(os.environ, NO_MKDOCS_2_WARNING="1")
    environment.pop(RENDERED, None)
    finished = subprocesses.run(
        [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", address],
        cwd=root,
        env=environment,
        on_output=lambda text: print(text, end="", file=sys.stderr, flush=True),
    )
    if finished.code:
        raise GeneratorError(f"mkdocs serve ended with {finished.reason}")


def _mkdocs(root: Path, *arguments: str) -> None:
    environment = dict(os.environ, NO_MKDOCS_2_WARNING="1", **{RENDERED: "1"})
    finished = subprocesses.run(
        [sys.executable, "-m", "mkdocs", *arguments], cwd=root, env=environment, timeout=600
    )
    if finished.code:
        raise GeneratorError(
            f"mkdocs {arguments[0]} ended with {finished.reason}; its output:\n{finished.log}"
        )


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
        _replace(kept, script.encode())
    return script


# -------------------------------------------------------------------------------------- navigation


def navigation(catalog: Catalog) -> list[Any]:
    """Return the navigation: the article's order, the overviews, then how to do it yourself."""
    entries: list[Any] = [{"Home": "index.md"}]
    groups: dict[str, list[Any]] = {}
    listed: list[Section | overviews.Overview] = [*catalog.sections, *overviews.load()]
    for page in listed:
        entry = {page.title: f"report/{page.id}.md"}
        if not page.group:
            entries.append(entry)
        elif page.group in groups:
            groups[page.group].append(entry)
        else:
            groups[page.group] = [entry]
            entries.append({page.group: groups[page.group]})
    own = {
        "Reproduce on your machine": "reproduce.md",
        "Publish and contribute results": "publish.md",
        "Add a framework": "add-a-framework.md",
        "Add a section": "add-a-section.md",
    }
    entries.append({"Do it yourself": [{title: path} for title, path in own.items()]})
    return entries


def with_navigation(configuration: str, catalog: Catalog) -> str:
    """Return the text of ``mkdocs.yml`` with the derived navigation between its markers.

    Raises:
        ValueError: the markers are missing.

    """
    before, begin, rest = configuration.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no lines {BEGIN!r} and {END!r}")
    return before + begin + "nav:\n" + _yaml(navigation(catalog), 1) + end + after


def _yaml(entries: list[Any], depth: int) -> str:
    lines = []
    for entry in entries:
        for title, value in entry.items():
            head = f"{'  ' * depth}- {json.dumps(title, ensure_ascii=False)}:"
            if isinstance(value, list):
                lines.append(f"{head}\n{_yaml(value, depth + 2)}")
            else:
                lines.append(f"{head} {value}\n")
    return "".join(lines)


def _write_navigation(root: Path, catalog: Catalog, done: Rendered) -> None:
    path = root / "mkdocs.yml"
    before = path.read_text(encoding="utf-8")
    try:
        after = with_navigation(before, catalog)
    except ValueError as error:
        raise InputError(path, None, error, "the markers of the derived navigation") from error
    if after != before:
        _replace(path, after.encode())
        done.written.append("../mkdocs.yml")


# ------------------------------------------------------------------------------------------- pages


def _inputs(
    root: Path,
    results_root: Path,
    catalog: Catalog,
    loaded: Any,
    shown: Any,
    today: datetime.date,
) -> section_page.Inputs:
    from generator.analysis import claims
    from generator.analysis import change_events
    from generator.pages import section_page
    from generator.results import reading

    def log(key: str, path: str) -> str:
        file = results_root / Path(key).parent / path
        try:
            return file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(the log is missing)"

    return section_page.Inputs(
        catalog=catalog,
        shown=shown,
        study=reading.study(loaded, shown),
        history=reading.withhold(reading.history(loaded)),
        documents=loaded.documents,
        book=claims.load(root / "measurements" / "claims.toml"),
        log=log,
        today=today,
        events=change_events.find(loaded, shown, catalog),
        suite=_suite(root / "measurements" / "array-api-tests.csv"),
    )


def _suite(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _figures(inputs: section_page.Inputs, results_root: Path) -> dict[tuple[str, str], Figures]:
    """Return (machine, device) -> figures; those of untouched rows are remembered."""
    from generator.analysis import panels as figures
    from generator.analysis import statistics

    known = {}
    for machine in inputs.machines:
        for device in inputs.devices(machine):
            shown = inputs.shown
            here = shown[(shown["machine"] == machine) & (shown["device"] == device)]
            stamp = (_stamp(results_root, here), repr(inputs.catalog))
            place = (str(results_root), machine, device)
            if place not in _known_figures or _known_figures[place][0] != stamp:
                panels: list[figures.Panel] = []
                answers = {}
                for section in inputs.catalog.sections:
                    rows = here[here["section"] == section.id]
                    if section.findings:
                        answers[section.id] = figures.sheets(rows)
                    if section.measured and len(rows):
                        panels += figures.build(rows, section, inputs.catalog)
                cells = statistics.cells(here)
                made = Figures(machine, device, tuple(panels), cells, answers)
                _known_figures[place] = (stamp, made)
            known[machine, device] = _known_figures[place][1]
    return known


_known_figures: dict[tuple[str, ...], tuple[Any, Figures]] = {}
_known_pages: dict[tuple[str, str], tuple[Any, str, frozenset[str]]] = {}
"""What a long-running process (``mkdocs serve``) need not do again; see :func:`_stamp`."""


def _stamp(results_root: Path, rows: Any) -> tuple[Any, ...]:
    """Return what changes when the files behind some rows change."""
    keys = sorted(str(key) for key in rows["provenance"].unique())
    return tuple((key, *_identity(results_root / f"{key}{s}")) for key in keys for s in _SUFFIXES)


_SUFFIXES = (".csv", ".json")


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _pages(root: Path, results_root: Path, inputs: section_page.Inputs, writer: _Writer) -> None:
    """Write every page."""
    from generator.pages import evidence_page
    from generator.pages import markdown
    from generator.pages import section_page

    templates = root / "templates"
    environment = markdown.environment(templates)
    known = _figures(inputs, results_root)

    def write(name: str, template: str, context: Mapping[str, Any], *, card: bool = True) -> str:
        if card:
            drawn = writer.card(name, context["title"], context["description"])
            context = {**context, "card": drawn}
        made = environment.get_template(template).render(context)
        text = made.strip() + "\n"
        writer.text(name, text)
        return text

    write("index.md", "pages/index.md.j2", section_page.home_context(inputs, known))
    for page in overviews.load():
        context = page.context(inputs, known, writer.draw)
        write(f"report/{page.id}.md", f"pages/{page.id}.md.j2", context)
        for name, text in page.files(inputs).items():
            writer.text(f"report/{name}", text)
        for name, part in page.parts(inputs, known, writer.draw).items():
            write(f"report/{page.id}/{name}.md", f"pages/{page.id}.part.md.j2", part)
    written = [_identity(path) for path in sorted(templates.rglob("*.j2"))]
    for section in inputs.catalog.sections:
        context = section_page.context(section, inputs, known, writer.draw)
        write(f"report/{section.id}.md", f"sections/{section.template.name}", context)
        here = inputs.shown[inputs.shown["section"] == section.id]
        for framework in sorted({str(name) for name in here["framework"].unique()}):
            # Most of a site are evidence pages, and most of them change with their own rows only.
            name = f"report/evidence/{section.id}-{framework}.md"
            rows = here[here["framework"] == framework]
            folders = [f.folder for f in inputs.catalog.frameworks if f.id == framework]
            scripts = [_identity(path) for folder in folders for path in sorted(folder.rglob("*"))]
            stamp = (_stamp(results_root, rows), repr(inputs.catalog), scripts, written)
            place = (str(writer.docs), name)
            if (found := _known_pages.get(place)) and found[0] == stamp:
                writer.keep(found[2])
                writer.text(name, found[1])
                continue
            before = writer.wanted()
            context = evidence_page.context(section, framework, inputs, known, writer.draw)
            text = write(name, "pages/evidence.md.j2", context, card=False)
            _known_pages[place] = (stamp, text, writer.wanted() - before)


def _dataset(
    writer: _Writer, loaded: Results, cited: citation.Citation, address: str, *, keep: bool
) -> Mapping[str, Any] | None:
    """Write the whole data set and return its descriptor; None where nothing is measured."""
    from generator.export import dataset
    from generator.export import data_package

    if not loaded.files:
        return None
    names = (data_package.CSV, data_package.PARQUET, data_package.PACKAGE)
    writer.keep(frozenset(f"{_DATASET}/{name}" for name in names))
    folder = writer.docs / _DATASET
    held = dataset.held(folder) if keep else None
    if held is not None:
        return held
    written = dataset.write(loaded, folder, cited, address)
    writer.done.written += [f"{_DATASET}/{name}" for name in written.files]
    return written.descriptor


_DATASET = "report/dataset"


def _publish(writer: _Writer, results_root: Path, key: str, document: Mapping[str, Any]) -> None:
    """Copy a run's rows, document and logs to where pages link to them."""
    from generator.pages import evidence_page

    source = results_root / key
    target = f"report/data/{key}"
    for suffix in (".csv", ".json"):
        writer.copy(target + suffix, source.with_name(source.name + suffix))
    for job in document["jobs"]:
        if job.get("log"):
            log = source.parent / job["log"]
            if log.is_file():
                writer.copy(f"{Path(target).parent}/{evidence_page.log_name(job['log'])}", log)


# ------------------------------------------------------------------------------------------ writing


class _Writer:
    """Writes what changed below ``docs/`` and removes what nobody asked for."""

    def __init__(self, docs: Path) -> None:
        self.docs = docs
        self.done = Rendered()
        self._wanted: set[str] = set()

    def wanted(self) -> frozenset[str]:
        """Return the names of all files asked for so far."""
        return frozenset(self._wanted)

    def keep(self, names: frozenset[str]) -> None:
        """Ask for files that an earlier rendering wrote."""
        self._wanted |= names

    def text(self, name: str, content: str | Any) -> None:
        """Write a text; a function is asked for it, or for bytes, only when no file is there."""
        path = self._path(name)
        if callable(content):
            if path.is_file():
                return
            content = content()
        data = content if isinstance(content, bytes) else content.encode()
        try:
            same = path.read_bytes() == data
        except FileNotFoundError:
            same = False
        if same:
            return
        _replace(path, data)
        self.done.written.append(name)

    def copy(self, name: str, source: Path) -> None:
        """Copy a file unless the copy is of the same size and time."""
        path = self._path(name)
        there = source.stat()
        if path.is_file():
            here = path.stat()
            if (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
                return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        shutil.copy2(source, part)
        part.replace(path)
        self.done.written.append(name)

    def draw(self, chart: intervals.Chart) -> section_page.Picture:
        """Draw a chart in two widths and two schemes, unless these drawings exist.

        File names carry a digest of everything that changes the drawing, so what exists is right.
        """
        from generator.pages.charts import intervals
        from generator.pages import section_page

        stem = f"charts/{chart.name}.{chart.digest(vl_convert_version())}"
        drawings = []
        for size, specification in chart.specs.items():
            light = functools.cache(lambda s=specification: _svg(s))
            for scheme in intervals.SCHEMES:
                name = f"{stem}.{size}-{scheme}.svg"
                self.text(f"report/{name}", lambda c=scheme, d=light: intervals.recoloured(d(), c))
                width, height = _size(self._path(f"report/{name}"))
                drawings.append(section_page.Drawing(name, width, height))
        self.text(f"report/{stem}.json", lambda: _specification(chart))
        self.text(f"report/{stem}.csv", lambda: _rows(chart))
        return section_page.Picture(chart.alt, tuple(drawings), f"{stem}.csv", vega_name())

    def card(self, page: str, title: str, description: str) -> str:
        """Draw what a link to a page unfolds to, unless it exists; return its place in the site."""
        from generator.site import social_cards

        drawing = social_cards.svg(title, description)
        stem = page.removesuffix(".md").removeprefix("report/").replace("/", "-")
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


def _svg(specification: Mapping[str, Any]) -> str:
    import vl_convert

    from generator.pages.charts import intervals

    complete = {**specification, "config": intervals.configuration("light")}
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


def _specification(chart: intervals.Chart) -> str:
    from generator.pages.charts import intervals

    schemes = {scheme: intervals.configuration(scheme) for scheme in intervals.SCHEMES}
    return json.dumps({**chart.specs, **schemes}, separators=(",", ":"))


def _rows(chart: intervals.Chart) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(chart.rows[0]) if chart.rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(chart.rows)
    return text.getvalue()


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)
