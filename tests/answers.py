"""What rows of a real framework must say, whoever measured them: assertions for fresh and old rows.

``tests/contract`` applies them to what is committed, ``tests/integration`` to what it has just
measured.
"""

from measurements import timing

R_PYTHON = (3, 12)
"""The first Python that the reticulate of current systems cannot start."""


def where(frame, **wanted):
    """Return the rows that have these texts in these columns."""
    for column, text in wanted.items():
        frame = frame[frame[column] == text]
    return frame


def mode_is_verified_or_has_its_declared_fault(frame, framework, mode, lane):
    """Every verdict is "ok"; or "wrong" without a time, where the folder declares the fault."""
    mine = where(frame, framework=framework.id, mode=mode.id, lane=lane)
    lenet = where(mine, section="lenet")
    version = framework.newest.version

    def gap(section):
        return framework.gap(mode=mode.id, device="cpu", version=version, section=section)

    if gap("lenet") or "cpu" not in mode.devices:  # some modes are those of older releases
        assert set(lenet["status"]) == {gap("lenet").status if gap("lenet") else "unsupported"}
        assert lenet["reason"].astype(str).str.len().min() > 10
        return
    verdicts = where(lenet, metric="gate")
    assert len(verdicts)
    times = where(lenet, metric="step_time", status="ok")
    if mode.fault and (not mode.fault.lanes or lane in mode.fault.lanes):
        assert set(verdicts["status"]) == {"wrong"}
        assert verdicts["reason"].astype(str).str.contains("gradient").all()
        assert times.empty
        return
    assert set(verdicts["status"]) == {"ok"}, set(verdicts["reason"])
    assert len(times)
    accuracy = where(lenet, metric="accuracy", status="ok")["value"]
    assert len(accuracy) or not mode.default
    assert (accuracy >= 0.95).all()
    for section, metric in (("memory", "peak_above_import"), ("compile", "ready_time")):
        if not gap(section):
            assert len(where(mine, section=section, metric=metric, status="ok"))


def samples_are_as_many_as_were_wanted(frame, record, mode, wanted):
    """A mode whose shortest unit of work is long takes fewer samples."""
    times = where(frame, mode=mode, section="lenet", metric="step_time", status="ok")
    if times.empty:
        return
    first = times[times["sample"].astype(int) == 0]["value"].item()
    (k,) = [j["k"] for j in record["jobs"] if j["mode"] == mode and "lenet" in j["sections"]]
    assert len(times) == timing.affordable(wanted, first * k)


def highest_level_interface_trains_and_reloads(frame, framework):
    """The script of the highest-level interface trains a model, saves it and loads the same."""
    mine = where(frame, framework=framework.id, section="highlevel")
    found = {row["metric"]: row for row in mine.to_dict("records")}
    assert found["total_time"]["status"] == "ok", found["total_time"]["reason"]
    assert found["accuracy"]["value"] >= 0.9
    assert found["lines"]["value"] > 5
    assert found["concepts"]["value"] > 2


def is_driven_from_r(frame, framework):
    """R drives the framework to verified results; or reticulate is too old, or there is a gap."""
    mine = where(frame, framework=framework.id, section="r")
    times = where(mine, metric="step_time")
    assert len(times)
    names = {"mode": framework.default.id, "device": "cpu", "section": "r"}
    if gap := framework.gap(version=framework.newest.version, **names):
        assert set(times["status"]) == {gap.status}
        return
    if set(times["status"]) == {"skipped"}:
        assert "cannot start Python" in str(times["reason"].iloc[0])
        assert tuple(map(int, framework.newest.python.split("."))) >= R_PYTHON
        return
    assert set(times["status"]) == {"ok"}, set(times["reason"])
    assert set(where(mine, metric="gate")["status"]) == {"ok"}
    assert set(where(mine, metric="python_step_time")["status"]) <= {"ok"}  # older runs have none


def of_section(frame, section):
    """Return (framework, case, metric) -> status of a section's rows on the processor."""
    mine = where(frame, section=section, device="cpu")
    columns = ["framework", "case", "metric", "status"]
    rows = mine[columns].astype(str).drop_duplicates().itertuples(index=False)
    return {tuple(row[:3]): row[3] for row in sorted(rows, key=lambda row: row[3] != "ok")}


def differing(fresh, old):
    """Return the answers that changed: place -> (old status, fresh status)."""
    return {
        place: (old.get(place), status)
        for place, status in fresh.items()
        # How long a death goes unnoticed is luck, how long a loop may be is the machine's.
        if old.get(place) != status and "death_time" not in place and "trips" not in place[1]
    }
