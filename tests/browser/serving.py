"""A server of files on the loopback interface."""

import contextlib
import functools
import gzip
import http.server
import re
import threading
from pathlib import Path


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Sends text compressed, as the places do where such a site is published."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        kind = self.guess_type(str(path))
        text = bool(re.search("^text/|json|javascript|svg", kind))
        body = _sent(path, text)
        self.send_response(200)
        if text:
            kind += "; charset=utf-8"
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@functools.cache
def _sent(path, compressed):
    return gzip.compress(path.read_bytes()) if compressed else path.read_bytes()


@contextlib.contextmanager
def served(folder):
    """Serve a folder whose files do not change; the value is its address."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
