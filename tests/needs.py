"""What a test needs beyond the Python environment: found, or the test is skipped with advice."""

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = {
    "cc": ("cc", "gcc", "clang"),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "g++": ("g++",),
    "git": ("git",),
    "luajit": ("luajit",),
    "ninja": ("ninja",),
    "node": ("node",),
    "npx": ("npx",),
    "R": ("Rscript",),
}
"""Tool -> the programs that serve as it."""

INSTALL = {
    "cc": "apt-get install gcc",
    "chromium": "apt-get install chromium, or python -m playwright install chromium",
    "g++": "apt-get install g++",
    "git": "apt-get install git",
    "luajit": "apt-get install luajit",
    "ninja": "apt-get install ninja-build",
    "node": "apt-get install nodejs",
    "npx": "apt-get install nodejs npm",
    "R": "apt-get install r-base-core",
    "reticulate": "apt-get install r-cran-reticulate",
}
"""Tool -> how to install it on Debian; other systems have packages of similar names."""


@functools.cache
def find(tool: str) -> str | None:
    """Return the path of a tool, None where it is not installed.

    Args:
        tool: a key of ``INSTALL``; "reticulate" is the R package, found by asking ``Rscript``.

    """
    if tool == "reticulate":
        rscript = find("R")
        command = [rscript, "--vanilla", "-e", "library(reticulate)"]
        there = rscript and not subprocess.run(command, capture_output=True, check=False).returncode
        return rscript if there else None
    found = next((path for name in NAMES[tool] if (path := shutil.which(name))), None)
    if found is None and tool == "chromium":
        return _chromium_of_playwright()
    return found


def needs(*tools: str) -> str:
    """Return the path of the first tool; skip the test where one of them is not installed."""
    found = {tool: find(tool) for tool in tools}
    missing = [f"{tool} ({INSTALL[tool]})" for tool, path in found.items() if path is None]
    if missing:
        pytest.skip(f"not installed: {'; '.join(missing)}")
    return found[tools[0]]


def _chromium_of_playwright() -> str | None:
    """Return the browser that Playwright installed by itself."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None
