"""Writes ``docs/report/``, ``docs/index.md`` and the navigation, and calls MkDocs.

Everything it writes is derived; a file is written only when its content changed, and generated
files that no page needs any more are removed.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import generator
from generator import files
from generator.analysis.panels import Figures
from generator.catalog import loader as registry
from generator.errors import InputError
from generator.export import citation
from generator.pages import markdown, overview_page
from generator.results.run_record import SCHEMA_FILE
from generator.site import standing
from generator.site.mkdocs_config import site_address, write_navigation
from generator.site.writer import FAVICON, Rendered, Writer, vega_bundle, vega_name

if TYPE_CHECKING:
    from generator.analysis import claims
    from generator.catalog.model import Catalog, Section
    from generator.pages.inputs import Draw, Inputs
    from generator.results.reading import Results

T = TypeVar("T")


def render(
    root: Path = registry.ROOT,
    results_root: Path | None = None,
    *,
    frameworks: Path | None = None,
    docs: Path | None = None,
    today: datetime.date | None = None,
    preview: bool = False,
    ready: bool = False,
) -> Rendered:
    """Turn results and templates into Markdown, charts and downloads, unless these still stand.

    Args:
        root: the repository.
        results_root: where the results lie; ``measurements/results`` when not given.
        frameworks: another folder of framework folders (tests bring tiny fakes).
        docs: another folder to write to; then ``mkdocs.yml`` is left as it is.
        today: the day for which the pages are made (UTC); None: this one.
        preview: keep the files of the whole data set, the cards of links, and the evidence of runs
            that go on, if there are any: whoever looks at a page while it is written need not wait
            for them.
        ready: compute what templates are filled with even if nothing changed: in this process the
            next rendering then takes a second.

    Raises:
        InputError: a result, a ``framework.toml``, ``claims.toml``, ``CITATION.cff`` or the
            address in ``mkdocs.yml`` is not as agreed.

    """
    results_root = results_root or root / "measurements" / "results"
    own, docs = docs is None, docs or root / "docs"
    today = today or datetime.datetime.now(datetime.UTC).date()
    templates = root / "templates"
    sources = [Path(generator.__file__).parent, root / "measurements", results_root, FAVICON]
    sources += [root / citation.FILE, *([frameworks] if frameworks else [])]
    record = docs.parent / ".cache" / f"rendered-{docs.name}.json"
    before, names = standing.find(record, docs)
    data = standing.digest(sources, site_address(root), today, standing.versions())
    published = before.get("published", "") if preview else data
    made_of = {"data": data, "published": published, "templates": standing.digest([templates])}
    if before == made_of and not ready:
        return Rendered(unchanged=len(names))
    place = (str(results_root), str(docs))
    if before.get("data") != data:  # or a file is not what was written
        _known.pop(place, None)
    catalog = registry.load(root, frameworks)
    make = functools.partial(_made, root, results_root, catalog, docs, today, keep=preview)
    made = _remembered(place, (data, published), make)
    writer = made.writer
    environment = markdown.environment(templates)
    for template, pages in made.pages.items():
        included = standing.included(environment, template)
        stamp = data, published, standing.digest(templates / name for name in included)
        for name, context in pages:
            text = functools.partial(environment.get_template(template).render, context)
            writer.text(name, _remembered((*place, name), stamp, text).strip() + "\n")
    writer.finish()
    if own:
        write_navigation(root, catalog, writer.done)
    standing.note(record, made_of, docs, [*writer.wanted(), *(["../mkdocs.yml"] if own else [])])
    done, writer.done = writer.done, Rendered()
    return done


class _Made(NamedTuple):
    """A site but for its templates: most of the work."""

    pages: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]
    """Template -> (name, context) of its pages."""
    writer: Writer
    """It has drawn the charts, and has written all other files."""


def _made(
    root: Path,
    results_root: Path,
    catalog: Catalog,
    docs: Path,
    today: datetime.date,
    *,
    keep: bool,
) -> _Made:
    from generator.results import reading, selection

    loaded = selection.of_frameworks(reading.load(results_root), catalog.listed)
    writer = Writer(docs)
    shown = selection.shown(loaded, catalog.listed)
    cited = citation.load(root / citation.FILE)
    address = site_address(root)
    inputs = dataclasses.replace(
        _inputs(root, results_root, catalog, loaded, shown, today, writer.draw),
        dataset=_dataset(writer, loaded, cited, address, keep=keep),
        citation=cited,
        address=address,
    )
    pages: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for name, template, context in _pages(results_root, inputs, writer, keep=keep):
        pages.setdefault(template, []).append((name, context))
    frames = shown, inputs.history, inputs.variants
    keys = {key for frame in frames for key in frame["provenance"].unique()}
    keys |= {key for event in inputs.events for key in event.keys}
    for key in sorted(map(str, keys)):
        _publish(writer, results_root, key, loaded.records[key])
    _publish_locks(writer, catalog, {key: loaded.records[key] for key in keys})
    writer.text(f"report/charts/{vega_name()}", vega_bundle)
    return _Made(pages, writer)


# ------------------------------------------------------------------------------------------- pages


def _inputs(
    root: Path,
    results_root: Path,
    catalog: Catalog,
    loaded: Any,
    shown: Any,
    today: datetime.date,
    draw: Draw,
) -> Inputs:
    from generator.analysis import cells, change_events
    from generator.analysis import history as histories
    from generator.pages.inputs import Inputs
    from generator.results import selection

    def log(key: str, path: str) -> str:
        file = results_root / Path(key).parent / path
        try:
            return file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(the log is missing)"

    def script(path: Path) -> str:
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    spreads = cells.spreads(loaded)
    known = change_events.draw_on(loaded.records, shown, catalog, spreads)

    told = repr((spreads, catalog))

    def noises(*machines: str) -> str:
        return repr(sorted(item for item in known.noises.items() if item[0][0] in machines))

    def remembered(place: tuple[str, str], make: Callable[[], T]) -> T:
        start, end = (f"{place[0]}/", f"/{place[1]}")
        keys = (key for key in loaded.records if key.startswith(start) and key.endswith(end))
        stamp = _identities(results_root, keys), noises(place[0]), told
        return _remembered((str(results_root), "releases", *place), stamp, make)

    history = selection.withhold(selection.select(loaded, ("history",)))
    stamp = _stamp(results_root, history), noises(*map(str, history["machine"].unique())), told
    return Inputs(
        catalog=catalog,
        shown=shown,
        study=selection.study(loaded, shown),
        history=history,
        variants=selection.shown(loaded, catalog.listed, ("variants",)),
        documents=loaded.records,
        book=_book(root / "measurements" / "claims.toml"),
        log=log,
        script=script,
        draw=draw,
        today=today,
        events=change_events.find(loaded, shown, known, remembered),
        histories=_remembered(
            (str(results_root), "histories"),
            stamp,
            functools.partial(histories.find, history, known),
        ),
        spreads=spreads,
        suite=_table(root / "measurements" / "array-api-tests.csv"),
        simulated=_table(root / "measurements" / "leaders.csv"),
    )


def _book(path: Path) -> claims.Book:
    from generator.analysis import claims

    try:
        return claims.parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, None, error, "a readable file in UTF-8") from error


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


_known: dict[tuple[str, ...], tuple[Any, Any]] = {}
"""What a long-running process (``mkdocs serve``) need not do again, with its stamp."""


def _remembered(place: tuple[str, ...], stamp: Any, make: Callable[[], T]) -> T:
    """Return what was made for a place last time, made anew where the stamp is another one."""
    if place not in _known or _known[place][0] != stamp:
        _known.pop(place, None)  # before the new is made: both may be large
        _known[place] = stamp, make()
    return cast("T", _known[place][1])


def _figures(inputs: Inputs, results_root: Path) -> dict[tuple[str, str], Figures]:
    """Return (machine, device) -> figures."""
    from generator.analysis import panels as models

    known, told = {}, repr(inputs.catalog)
    for machine, device in inputs.measured():
        shown = inputs.shown
        here = shown[(shown["machine"] == machine) & (shown["device"] == device)]
        known[machine, device] = _remembered(
            (str(results_root), machine, device),
            (_stamp(results_root, here), told),
            functools.partial(models.figures, here, inputs.catalog, inputs.spreads),
        )
    return known


def _stamp(results_root: Path, rows: Any) -> tuple[Any, ...]:
    """Return what changes when the files behind some rows change."""
    return _identities(results_root, map(str, rows["provenance"].unique()))


def _identities(results_root: Path, keys: Iterable[str]) -> tuple[Any, ...]:
    keys = sorted(keys)
    names = [f"{key}{suffix}" for key in keys for suffix in (".csv", ".json")]
    return tuple((name, *files.identity(results_root / name)) for name in names)


def _pages(
    results_root: Path, inputs: Inputs, writer: Writer, *, keep: bool
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield (name, template, context) of every page."""
    from generator.pages import evidence_page, home_page, section_page
    from generator.pages.inputs import distinct

    inputs = dataclasses.replace(inputs, figures=_figures(inputs, results_root))

    told = repr(inputs.catalog)
    intervals: dict[tuple[str, str, str], list[Any]] = {}
    for (machine, _), figures in inputs.figures.items():
        for cell in figures.cells:
            found = intervals.setdefault((cell.section, cell.framework, machine), [])
            if model := figures.cells[cell].model:
                found.append((cell, tuple(model.interval(cell))))

    def measured(rows: Any, section: str, framework: str) -> tuple[Any, str]:
        """Return what changes with figures; intervals rest on the noise of others as well."""
        machines = sorted(map(str, rows["machine"].unique()))
        values = [intervals.get((section, framework, machine)) for machine in machines]
        return _stamp(results_root, rows), repr(values)

    def drawing(place: str, stamp: Any, make: Callable[[], T], shape: Any = None) -> T:
        """Return what was made for a place, and want what was drawn for it.

        In a preview, what had the same shape is as good where one is given.
        """

        def drawn() -> tuple[T, frozenset[str]]:
            before = writer.wanted()
            made = make()
            return made, writer.wanted() - before

        where, now = (str(writer.docs), place), (stamp, told, shape)
        before = _known.get(where, (None, None, None))[0]
        if keep and shape and before and before[1:] == now[1:]:
            now = before
        made, names = _remembered(where, now, drawn)
        writer.keep(names)
        return made

    def under_way(rows: Any) -> Any:
        """Return whose samples rows of runs that go on are; nothing when all have ended.

        Whoever follows a measurement reads its sections: its evidence is laid out again at the end.
        """
        sources = {str(key) for key in rows["provenance"].unique()}
        if all(inputs.documents[key]["finished"] for key in sources):
            return []
        return sorted(distinct(rows, "mode", "lane", "case", "status", "provenance"))

    def run(page: Any, section: Section, rows: Any, key: str, inputs: Inputs) -> dict[str, Any]:
        machine, framework, *_ = key.split("/")
        # What it shows may come from other runs on that machine, too.
        stamp = measured(page[page["machine"] == machine], section.id, framework)
        make = functools.partial(evidence_page.run, section, rows, key, inputs)
        return drawing(f"{section.id} of {key}", stamp, make)

    def carded(
        name: str, template: str, context: Mapping[str, Any]
    ) -> tuple[str, str, Mapping[str, Any]]:
        card = writer.card(name, context["title"], context["description"], keep=keep)
        return name, template, {**context, "card": card}

    @functools.cache
    def scripts(framework: str) -> str:
        return standing.digest([inputs.catalog.framework(framework).folder])

    yield carded("index.md", "pages/index.md.j2", home_page.home_context(inputs))
    for page in overview_page.load():
        yield carded(f"report/{page.id}.md", f"pages/{page.id}.md.j2", page.context(inputs))
        for name, content in page.files(inputs).items():
            writer.text(f"report/{name}", content)
        for name, part in page.parts(inputs).items():
            yield carded(f"report/{page.id}/{name}.md", f"pages/{page.id}.part.md.j2", part)
    for section in inputs.catalog.sections:
        context = section_page.context(section, inputs)
        yield carded(f"report/{section.id}.md", "section.md.j2", context)
        here = inputs.shown[inputs.shown["section"] == section.id]
        for framework in sorted({str(name) for name in here["framework"].unique()}):
            # Most of a site are evidence pages, and most of them change with their own rows only.
            name = f"report/evidence/{section.id}-{framework}.md"
            rows = here[here["framework"] == framework]
            stamp = measured(rows, section.id, framework), scripts(framework)
            runs = functools.partial(run, rows)
            make = functools.partial(evidence_page.context, section, framework, inputs, runs)
            own = drawing(name, stamp, make, under_way(rows))
            yield name, "pages/evidence.md.j2", own


def _dataset(
    writer: Writer, loaded: Results, cited: citation.Citation, address: str, *, keep: bool
) -> Mapping[str, Any] | None:
    """Write the whole data set and return its descriptor; None where nothing is measured."""
    from generator.export import data_package, dataset

    if not loaded.files:
        return None
    names = (data_package.CSV, data_package.PARQUET, data_package.PACKAGE)
    writer.keep(frozenset(f"{_DATASET}/{name}" for name in names))
    folder = writer.docs / _DATASET
    writer.copy(f"{_DATASET}/{SCHEMA_FILE.name}", SCHEMA_FILE)
    if keep and (held := dataset.existing(folder)) is not None:
        return held
    written = dataset.write(loaded, folder, cited, address)
    writer.done.written += [f"{_DATASET}/{name}" for name in written.files]
    return written.descriptor


_DATASET = "report/dataset"


def _publish(writer: Writer, results_root: Path, key: str, record: Mapping[str, Any]) -> None:
    """Copy a run's rows, record and logs to where pages link to them."""
    from generator.pages import evidence_page

    source, target = results_root / key, f"report/data/{key}"
    for suffix in (".csv", ".json"):
        writer.copy(target + suffix, source.with_name(source.name + suffix))
    for name in filter(None, (job.get("log") for job in record["jobs"])):
        log = source.parent / name
        if log.is_file():
            writer.copy(f"{Path(target).parent}/{evidence_page.log_name(name)}", log)


def _publish_locks(writer: Writer, catalog: Catalog, records: Mapping[str, Any]) -> None:
    """Copy the locks of runs' environments to where evidence pages link to them."""
    from generator.pages import evidence_page

    for framework in catalog.frameworks:
        mine = [record for key, record in records.items() if key.split("/")[1] == framework.id]
        for path in filter(Path.is_file, evidence_page.locks(framework, mine)):
            writer.copy(f"report/{evidence_page.lock_address(path)}", path)
