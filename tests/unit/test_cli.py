"""The command line, and that every command a page or a message names exists."""

import io
import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from generator.catalog import loader, model
from generator.cli import app, doctor, minimal, progress
from generator.errors import GeneratorError, UsageError
from generator.measure import plan, profiles, runner
from generator.measure.request import Request
from tests.conftest import PRETEND, ROOT
from tests.sample_results import GRAPH, MANY, PAIRED, SECTIONS, write_sample

CATALOG = loader.load()
ROOT_COMMAND = typer.main.get_command(app.app)
COMMANDS = ROOT_COMMAND.commands
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [path for path in PAGES if path.name != "index.md"]  # that one is rendered
SOURCES = [
    path
    for pattern in ("generator/**/*.py", "templates/**/*.j2", "benchmarks/*.py")
    for path in sorted(ROOT.glob(pattern))
]


def invoke(*arguments):
    return CliRunner().invoke(app.app, [str(argument) for argument in arguments])


# ---------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name):
    command = COMMANDS[name]
    assert command.help
    done = invoke(name, "--help")
    assert done.exit_code == 0
    assert command.help.split(".")[0].split()[0] in done.stdout
    for parameter in command.params:
        if not getattr(parameter, "hidden", False) and parameter.name != "help":
            assert parameter.help, f"{name} {parameter.name}"


def test_the_commands_of_the_design_are_there():
    wanted = {"report", "measure", "render", "build", "serve", "check", "list", "doctor", "compare"}
    assert wanted <= set(COMMANDS)
    assert "Exit codes" in invoke("--help").stdout


# -------------------------------------------------------- the documentation and the command line


def words_of(line):
    """The words after ``generator`` in one shell command, or None."""
    for part in re.split(r"&&|\|\||;|\||#", line):
        match = re.search(r"(?:^|\s)generator\s+(.*)", part.strip())
        if match:
            return shlex.split(match[1])
    return None


def commands_in(text):
    """(line number, words) of the commands in fenced code, inline code, and tables of commands.

    A table whose first title holds ``generator ...`` lists commands without that word.
    """
    fenced = table = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            found = [words_of(line)]
        elif line.startswith("|"):
            first = line.split("|")[1]
            if "generator ..." in first:
                table = True
                continue
            spans = re.findall(r"`([^`]+)`", first if table else line)
            found = [shlex.split(span) if table else words_of(span) for span in spans]
        else:
            table = False
            found = [words_of(span) for span in re.findall(r"`([^`]+)`", line)]
        for words in found:
            if words and words != ["..."]:
                yield number, words


def problem(words):
    """What the command line would say to these words, or ""."""
    name, *arguments = words
    if name == "--help":
        return ""
    if name not in COMMANDS:
        return f"no command {name}"
    if not arguments:  # the command is spoken of, not given
        return ""
    try:
        context = COMMANDS[name].make_context(name, arguments)
    except typer.Exit:  # --help
        return ""
    except Exception as error:
        return getattr(error, "message", "") or str(error)
    return unknown_value(context.params)


def unknown_value(values):
    known = loader.load()
    profile, device = values.get("profile") or "quick", values.get("device") or "cpu"
    if profile not in profiles.PROFILES or device not in (*model.DEVICES, "all"):
        return f"{profile} {device}"
    try:
        for section in values.get("sections") or ():
            known.section(section)
        names = [n for n in values.get("frameworks") or () if not re.search(r"[<{\[]", n)]
        chosen = plan.selection(known, names)
        for mode in values.get("modes") or ():
            assert any(mode in [m.id for m in framework.modes] for framework, _ in chosen), mode
    except Exception as error:
        return str(error)
    return ""


def said_in_pages():
    for path in PAGES:
        for number, words in commands_in(path.read_text(encoding="utf-8")):
            yield pytest.param(words, id=f"{path.name}:{number} {' '.join(words)}")


@pytest.mark.parametrize("words", list(said_in_pages()))
def test_pages_mention_only_commands_and_options_that_exist(words):
    # A section or a framework yet to be written stands in angle brackets.
    words = [word for word in words if word != "..."]
    if any("<" in word for word in words):
        words = [word if "<" not in word else "lenet" for word in words]
        words = [word for word in words if word != "lenet" or "--section" in words]
    words = ["." if word.startswith("/tmp/") else word for word in words]  # is it there?
    assert problem(words) == ""


@pytest.mark.parametrize("command", ["render", "build", "export", "check", "list", "compare"])
def test_a_folder_of_results_that_is_not_there_is_named(tmp_path, command):
    sides = ("a", "b") if command == "compare" else ()
    done = invoke(command, *sides, "--results", tmp_path / "mistyped")
    assert isinstance(done.exception, UsageError)
    assert "mistyped" in str(done.exception)


@pytest.mark.parametrize("name", ["README.md", "reproduce.md", "CONTRIBUTING.md"])
def test_commands_were_found_in_the_pages(name):
    (path,) = [path for path in PAGES if path.name == name]
    found = [words[0] for _, words in commands_in(path.read_text(encoding="utf-8"))]
    assert "measure" in found
    assert len(found) >= {"README.md": 10, "reproduce.md": 7}.get(name, 2)


def test_every_mode_says_what_lies_between_its_clock_readings():
    rows = re.findall(
        r"^\| (\w+) \| (`.+?`) [{|]", (ROOT / "docs/timed.md").read_text(), re.MULTILINE
    )
    told = [(name, mode) for name, modes in rows for mode in re.findall("`(.+?)`", modes)]
    known = [(framework.name, mode.id) for framework in CATALOG.frameworks
             for mode in framework.modes]  # fmt: skip
    assert sorted(told) == sorted(known)


def test_options_in_tables_of_the_pages_exist():
    options = {o for parameter in COMMANDS["measure"].params for o in parameter.opts}
    for path in PAGES:
        rows = re.findall(r"^\| `(--[\w-]+)`", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(rows) <= options, path.name


def test_messages_name_commands_that_exist():
    """`generator ...` in any text of ours: errors tell the next command, so it has to be one."""
    wrong = {}
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for said in re.findall(r"`generator (-?[a-z][^`\n]*)`", text):
            words = shlex.split(re.sub(r"{[^}]*}", GRAPH, said).replace(f"{GRAPH}=={GRAPH}", GRAPH))
            words = ["cpu" if before == "--device" else word
                     for before, word in zip(["", *words], words, strict=False)]  # fmt: skip
            wrong[str(path), said] = problem([word for word in words if word != "..."])
    assert len(wrong) > 20
    assert {where: why for where, why in wrong.items() if why} == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```sh\nuv run generator mesure\n```", "mesure"),
        ("```sh\npip install uv && uv run generator measure --frobnicate\n```", "--frobnicate"),
        ("see `generator measure --section lennet`", "lenet"),
        ("see `generator measure teano`", GRAPH),
        (f"see `generator measure {GRAPH} --mode eager`", "eager"),
        (f"see `generator compare {GRAPH} {PAIRED} --metric`", "requires an argument"),
        ("| c (`generator ...`) | d |\n|---|---|\n| `frob` | x |", "frob"),
    ],
)
def test_a_wrong_command_in_a_page_would_be_noticed(text, said):
    ((_, words),) = commands_in(text)
    assert said.lower() in problem(words).lower()


# ---------------------------------------------------------------------------------------- JSON


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    write_sample(root, rows_scale=0.2)
    return root


def test_list_prints_json_and_tables(sample):
    done = invoke("list", "--json", "--results", sample)
    assert done.exit_code == 0
    assert {item["framework"] for item in json.loads(done.stdout)["measured"]} == {
        GRAPH, PAIRED, MANY,
    }  # fmt: skip
    shown = invoke("list", "--results", sample)
    assert shown.exit_code == 0
    assert all(framework.id in shown.stdout for framework in loader.load().frameworks)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_list_fits_a_screen_and_is_not_cut(sample, width):
    runner_ = CliRunner(env={"COLUMNS": str(width)})
    lines = runner_.invoke(app.app, ["list", "--results", str(sample)]).stdout.splitlines()
    assert max(map(len, lines)) <= width
    known = loader.load().frameworks
    text = "\n".join(lines)
    assert all(framework.newest.version in text for framework in known)
    if width >= 80:
        assert len(lines) < 24
        (line,) = [line for line in lines if line.startswith(f"{GRAPH} ")]
        assert str(len(loader.load().framework(GRAPH).versions)) in line.split()
        assert f"{len(SECTIONS)} on cpu" in line


def test_the_list_of_one_framework_has_its_modes_releases_and_runs(sample):
    shown = invoke("list", MANY, "--results", sample).stdout
    known = loader.load().framework(MANY)
    assert all(mode.id in shown and mode.title in shown for mode in known.modes)
    assert all(version.version in shown for version in known.versions)
    assert GRAPH not in shown
    said = json.loads(invoke("list", MANY, "--json", "--results", sample).stdout)
    assert {item["framework"] for item in said["measured"]} == {MANY}
    assert all(item["run"] in shown for item in said["measured"])
    done = invoke("list", "teano", "--results", sample)
    assert GRAPH in str(done.exception)


def test_check_prints_json_and_words(sample):
    done = invoke("check", "--json", "--results", sample)
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])
    assert "0 problems" in invoke("check", "--results", sample).stdout


def test_compare_prints_json_and_a_table(sample):
    done = invoke("compare", GRAPH, f"{MANY}:function", "--json", "--results", sample)
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found
    for item in found:
        assert item["low"] <= item["ratio"] <= item["high"]
        assert item["verdict"]
    assert invoke("compare", GRAPH, PAIRED, "--results", sample).exit_code == 0


def test_a_dry_run_prints_json_and_a_table(tmp_path):
    what = [
        "measure",
        "pretend",
        "--frameworks-folder",
        PRETEND,
        "--results",
        tmp_path,
        "--dry-run",
    ]
    done = invoke(*what, "--json", "--seed", "3")
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert said["seed"] == 3
    assert said["jobs"]
    assert said["seconds"] > 0
    assert "processes" in invoke(*what).stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("failures", "code"), [([], 0), (["job: failed: reason"], 1)])
def test_a_measurement_prints_json_and_words(tmp_path, monkeypatch, failures, code):
    file = tmp_path / "x.csv"
    outcome = runner.Outcome("run", [file], {"ok": 1}, failures, ["job: wrong: [odd]"])
    monkeypatch.setattr(runner, "run", lambda *given, **more: outcome)
    what = ["measure", "pretend", "--frameworks-folder", PRETEND, "--results", tmp_path]
    done = invoke(*what, "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout) == {
        "run": "run", "files": [str(file)], "counts": {"ok": 1}, "failures": failures,
        "findings": ["job: wrong: [odd]"], "obstacles": {}, "left": 0,
    }  # fmt: skip
    shown = invoke(*what)
    assert shown.exit_code == code
    assert "job: wrong: [odd]" in shown.stdout, "brackets are no markup"
    assert all(failure in shown.stdout for failure in failures)


@pytest.mark.parametrize("width", [40, 100])
def test_what_is_being_measured_and_the_time_left_are_whole_on_any_terminal(width):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, color_system=None)
    shown = progress.Progressing(console)
    words = ("alder", "2.21.0", "function-xla", "cpu", "threads-all")
    job = plan.Job(*words, sections=("lenet",), start="warm", block=1)
    shown.begin([job] * 30, [], {job: 20})
    shown.job(job, 20)
    screen.truncate(screen.seek(0))
    console.print(shown._progress.get_renderable())
    text = screen.getvalue()
    whole = {"alder", "function-xla", "threads-all", "warm", "block", "2", "about", "10", "min"}
    assert whole | {"0/30", "left"} <= set(text.split())
    assert max(map(len, text.splitlines())) <= width


def test_the_page_is_built_after_the_leaders_and_then_at_most_a_fifth_of_the_time(monkeypatch):
    clock, screen = [0.0], io.StringIO()
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])

    def page():
        clock[0] += 30
        return Path("/site/index.html")

    shown = progress.Growing(Console(file=screen, width=300), page)
    shown.installing()
    assert "open /site/index.html: what was measured before" in " ".join(screen.getvalue().split())
    words = ("alder", "1.0", "plain", "cpu", "threads-all", ("lenet",), "warm")
    first, second, third = (plan.Job(*words, block) for block in range(3))
    shown.begin([first, second], [third], dict.fromkeys((first, second, third), 60))
    shown.job(first, 60)
    shown.finished(first, "ok", "")
    shown.block([second])
    assert shown.pause == 30
    said = " ".join(screen.getvalue().split())
    assert "to run: 2 processes, about 2 min" in said
    assert "not in this time: 1 process, about 60 s (lenet)" in said
    assert "open /site/index.html: 1 framework, 1 block; about 60 s more, Ctrl-C keeps" in said
    for passed, built in ((60, False), (59, False), (1, True)):
        clock[0] += passed
        before = clock[0]
        shown.block([])
        assert (clock[0] > before) == built


@pytest.mark.parametrize(
    ("ok", "optional", "mark", "code"),
    [(True, False, "✓", 0), (True, True, "✓", 0), (False, True, " ", 0), (False, False, "✗", 1)],
)
def test_doctor_ticks_only_what_is_there(monkeypatch, ok, optional, mark, code):
    finding = doctor.Finding("a thing", ok, "found [so]", "this", "do that", optional)
    monkeypatch.setattr(doctor, "doctor", lambda: [finding])
    done = invoke("doctor", "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)[0]["found"] == "found [so]"
    shown = invoke("doctor")
    assert shown.exit_code == code
    assert shown.stdout.startswith(f"{mark} a thing: found [so]")
    assert ("needed for this; to get it: do that" in shown.stdout) is not ok


# ------------------------------------------------------------------------------------ the exits


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, ""),
        (typer.Exit(1), 1, ""),
        (KeyboardInterrupt(), 3, "results are kept"),
        (GeneratorError("[odd] words"), 1, "error: [odd] words"),
        (UsageError("no such thing"), 2, "no such thing"),
        (OSError(28, "No space left on device", "/x"), 1, "No space left on device (/x)"),
    ],
)
def test_every_end_has_its_exit_code_and_words(monkeypatch, capsys, error, code, said):
    def play(**settings):
        if error is not None:
            raise error

    monkeypatch.setattr(app, "app", play)
    monkeypatch.setattr(app, "accept_signals", lambda: None)
    with pytest.raises(SystemExit) as raised:
        app.main()
    assert raised.value.code == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (None, 0, "wrote"),
        (KeyboardInterrupt(), 3, "results are kept"),
        (UsageError("no such thing"), 2, "error: no such thing"),
        (OSError(28, "No space left on device", "/x"), 1, "No space left on device (/x)"),
    ],
)
def test_without_typer_measuring_ends_alike(monkeypatch, capsys, tmp_path, error, code, said):
    def run(made, request, catalog, reporter, deadline):
        assert deadline == float("inf")
        if error is not None:
            raise error
        assert request.frameworks == ("pretend",)
        assert request.command.startswith("generator measure pretend --environment current")
        return runner.Outcome("run", [tmp_path / "x.csv"])

    words = ["generator", "measure", "pretend", "--environment", "current", "--results"]
    words += [str(tmp_path), "--frameworks-folder", str(PRETEND)]
    monkeypatch.setattr(minimal.sys, "argv", words)
    monkeypatch.setattr(minimal, "accept_signals", lambda: None)
    monkeypatch.setattr(runner, "run", run)
    with pytest.raises(SystemExit) as raised:
        minimal.main()
    assert raised.value.code == code
    printed = capsys.readouterr()
    assert said in printed.out + printed.err


def test_without_typer_the_commands_for_a_graphics_card_are_understood(
    monkeypatch, capsys, tmp_path
):
    """As the page has them; what a machine cannot log is said before anything is measured."""
    page = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    lines = re.findall(r"^python -m generator (measure .*)$", page, re.MULTILINE)
    asked = []

    def run(made, request, catalog, reporter, deadline):
        asked.append((request.device, request.environment, request.minutes, request.results))
        return runner.Outcome("run")

    empty = plan.Plan(profiles.PROFILES["quick"], "cuda", 0, (), (), 0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(minimal, "prepare", lambda *_: empty)
    monkeypatch.setattr(minimal, "unlogged", lambda request: "nothing is logged")
    monkeypatch.setattr(minimal, "accept_signals", lambda: None)
    monkeypatch.setattr(runner, "run", run)
    for line in lines:
        monkeypatch.setattr(minimal.sys, "argv", ["generator", *shlex.split(line)])
        with pytest.raises(SystemExit) as raised:
            minimal.main()
        assert raised.value.code == 0
        assert "nothing is logged" in capsys.readouterr().err
    assert asked == [
        ("cuda", "current", 0.0, Request.results),
        ("cuda", "current", 8.0, Path("rows")),
    ]


def test_our_own_mistakes_are_not_hidden(monkeypatch):
    monkeypatch.setattr(app, "app", lambda **settings: 1 / 0)
    monkeypatch.setattr(app, "accept_signals", lambda: None)
    with pytest.raises(ZeroDivisionError):
        app.main()
