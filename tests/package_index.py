"""A package index in a thread, and a tiny framework whose releases hold their speed and faults."""

import contextlib
import hashlib
import http.server
import io
import json
import tarfile
import threading
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

NAME = "pretend-engine"
MODULE = "pretend_engine"

TOML = """\
# A framework for tests: its releases are wheels of a local index.
name = "Engine"
distribution = "pretend-engine"

[facts.creator]
value = "the tests"
source = "https://example.org"
read = 2026-11-22

[environment]
# More would wait for each other where others use the cores as well.
OMP_NUM_THREADS = "1"
OPENBLAS_NUM_THREADS = "1"

[modes.plain]
title = "Plain"
kind = "symbolic"
division = "closed"
devices = ["cpu"]
summary = "Does the work, and waits as long as the release says."
default = true
warmup = {{ cpu = 1 }}

[[versions]]
version = "1.0"
released = 2026-01-01
source = "https://example.org/1.0"
python = "{python}"

[versions.requirements]
cpu = [
    "pretend-engine==1.0", # the release
]
"cpu+reuse" = ["pretend-exporter==1.0"]

[[gaps]]
device = "cuda"
reason = "NumPy has no CUDA build"
source = "https://example.org"
"""

ADAPTER = '''\
"""LeNet in NumPy, its timed steps slower by what the installed release says."""

import time

import pretend_engine

from measurements.contract import Framework, Model
from . import numpy_lenet


class Adapter(Framework):
    def about(self):
        return {"engine": pretend_engine.VERSION}

    def lenet(self, parameters, batch):
        return Engine(parameters, self.settings)


class Engine(Model):
    def __init__(self, parameters, settings):
        self.weights, self.settings = dict(parameters), settings
        self.loads = 0

    def stage(self, images, labels):
        return images, labels

    def step(self, batch):
        if self.loads == 2:  # it is timed
            time.sleep(pretend_engine.SECONDS)
        loss, self.weights = numpy_lenet.step(self.weights, *batch, self.settings.learning_rate)
        return loss

    def loss(self, handle):
        return handle

    def logits(self, images):
        return numpy_lenet.logits(self.weights, images) + pretend_engine.ERROR

    def parameters(self):
        return dict(self.weights)

    def load(self, parameters):
        self.loads += 1
        self.weights = dict(parameters)
'''


def wheel(version, *, seconds=0.0, error=0.0, name=NAME):
    """Return (file name, bytes) of a wheel. It finds NumPy where the tests have it."""
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {
        f"{module}.py": f"VERSION = {version!r}\nSECONDS = {seconds!r}\nERROR = {error!r}\n",
        f"{module}.pth": f"{Path(np.__file__).parents[1]}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{module}-{version}-py3-none-any.whl", data.getvalue()


BACKEND = """\
from pathlib import Path
from urllib.parse import urlsplit
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = Path(folder, "{module}-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
    return info.name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    raise RuntimeError("no compiler of 2016 was found")
def build_sdist(folder, config_settings=None):
    raise RuntimeError("no")
"""


def unbuildable(version):
    """Return (file name, bytes) of a source distribution whose build always fails."""
    stem = f"{MODULE}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n"
    build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {
        "PKG-INFO": metadata,
        "pyproject.toml": build,
        "backend.py": BACKEND.format(module=MODULE, name=NAME, version=version),
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{stem}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{stem}.tar.gz", data.getvalue()


def links(page):
    """A project's page as HTML, which knows no dates."""
    rows = "".join(
        f'<a href="{file["url"]}#sha256={file["hashes"]["sha256"]}"'
        f"{' data-yanked' if file['yanked'] else ''}>{file['filename']}</a><br>"
        for file in page["files"]
    )
    return f"<!DOCTYPE html><html><body>{rows}</body></html>"


class LocalIndex:
    """Serves the simple API. ``mood`` is how it misbehaves, "" for not at all.

    ``asked`` holds the path of every request, ``login`` what it wants as ``Authorization``; with
    ``html`` it answers as PEP 503 says, else as JSON, and with ``tls``, a context, over https.
    """

    def __init__(self, *, tls=None, html=False):
        self.html, self.login = html, ""
        self.files, self.yanked, self.mood, self.asked = {}, set(), "", []
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                index.answer(self)

            do_HEAD = do_GET  # noqa: N815 - the name is http.server's

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}/simple/"

    def __enter__(self):
        # Looks every hundredth of a second, not twice a second, whether it shall end.
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def publish(self, file, day="2026-10-01", *, yanked=False):
        """Put (file name, bytes) on the index."""
        self.files[file[0]] = (file[1], day)
        if yanked:
            self.yanked.add(file[0])

    def answer(self, request):
        self.asked.append(request.path)
        program = request.headers.get("User-Agent", "")
        if self.login and request.headers.get("Authorization") != self.login:
            return self.send(request, 401, b"", "text/plain")
        # A proxy is asked with the whole address.
        kind, _, name = urlsplit(request.path).path.strip("/").partition("/")
        if self.mood == "down":
            return self.send(request, 503, b"out of order", "text/plain")
        if self.mood == "slow" and kind == "simple":
            return self.drip(request)
        if kind == "files":
            file = self.files.get(name)
            if file is None:
                return self.send(request, 404, b"", "text/plain")
            return self.send(request, 200, file[0], "application/octet-stream")
        if self.mood == "page":
            return self.send(request, 200, b"<html>welcome</html>", "text/html")
        if self.mood == "huge":
            return self.send(request, 200, b" " * (65 << 20), "application/json")
        page = self.page(name, program)
        if not page["files"]:
            return self.send(request, 404, b"", "text/plain")
        if self.html:
            return self.send(request, 200, links(page).encode(), "text/html")
        kind = "application/vnd.pypi.simple.v1+json"
        return self.send(request, 200, json.dumps(page).encode(), kind)

    def page(self, name, program):
        files = []
        for filename, (data, day) in self.files.items():
            if not filename.startswith(name.replace("-", "_") + "-"):
                continue
            # It was there a moment ago.
            if self.mood == "vanishing" and "uv" in program and "-1.0" not in filename:
                continue
            said = b"other bytes" if self.mood == "forged" and "-1.0" not in filename else data
            files.append(
                {
                    "filename": filename,
                    "url": f"../../files/{filename}",
                    "hashes": {"sha256": hashlib.sha256(said).hexdigest()},
                    "upload-time": f"{day}T12:00:00Z",
                    "yanked": filename in self.yanked,
                }
            )
        called = "another" if self.mood == "misnamed" else name
        return {"meta": {"api-version": "1.1"}, "name": called, "files": files}

    def send(self, request, status, body, kind):
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Cache-Control", "max-age=600, public")  # as PyPI does
        request.end_headers()
        if request.command != "HEAD":
            with contextlib.suppress(OSError):  # the other side had enough
                request.wfile.write(body)

    def drip(self, request):
        """Send a byte now and then, so that no connection is ever silent for long."""
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(600):
                request.wfile.write(b" ")
                time.sleep(0.1)
