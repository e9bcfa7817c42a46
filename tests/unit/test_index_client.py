"""Which index is asked, how, and what is said where that does not work, as uv is configured."""

import base64
import datetime
import http.server
import shutil
import ssl
import subprocess
import threading

import pytest

from generator import subprocesses
from generator.catalog.package_index import Release, parse
from generator.errors import IndexFault
from generator.measure import uv
from generator.update import index_client
from tests.package_index import NAME, LocalIndex, links, wheel

CONFIGURED = (
    "UV_", "PIP_", "SSL_", "XDG_CONFIG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
)  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder and a home where nothing is configured."""
    import os

    for name in os.environ:
        if name.upper().startswith(CONFIGURED):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    (home / ".config" / "uv").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "etc"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "etc" / "uv").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(index_client, "ATTEMPTS", 1)
    monkeypatch.setattr(uv, "connected", lambda: True)
    return tmp_path


def filled(**options):
    index = LocalIndex(**options)
    index.publish(wheel("1.0"), "2026-01-01")
    index.publish(wheel("1.1"), "2026-03-01")
    index.publish(wheel("1.2"), "2026-06-01", yanked=True)
    return index


def versions():
    index_client.adopt_pip()
    with index_client.Index(patience=5) as index:
        return [release.version for release in index.releases(NAME)]


def fault():
    with pytest.raises(IndexFault) as found:
        versions()
    return str(found.value)


ALL = ["1.0", "1.1", "1.2"]


# ------------------------------------------------------------------------------ which index it is


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("home/.config/uv/uv.toml", '[[index]]\nurl = "URL"\ndefault = true\n'),
        ("home/.config/uv/uv.toml", 'index-url = "URL"\n'),
        ("home/.config/uv/uv.toml", '[pip]\nindex-url = "URL"\n'),
        ("etc/uv/uv.toml", 'index-url = "URL"\n'),
        ("work/uv.toml", '[[index]]\nname = "inner"\nurl = "URL"\ndefault = true\n'),
        ("work/pyproject.toml", '[tool.uv]\nindex-url = "URL"\n'),
        ("uv.toml", 'index-url = "URL"\n'),  # of a folder above
        ("home/.config/pip/pip.conf", "[global]\nindex-url = URL\ntimeout = 100%\n"),
        ("home/.config/pip/pip.conf", "[global]\nindex_url = URL\n"),
        ("home/.config/pip/pip.conf", "[install]\nindex-url = URL\n"),
        ("home/.pip/pip.conf", "[global]\nextra_index_url =\n    URL\n"),
    ],
)
def test_the_index_is_the_one_that_a_file_of_uv_or_pip_names(place, monkeypatch, file, text):
    if "pip" in file.partition("/")[2]:
        monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY"):
        monkeypatch.setenv(name, "")  # so that what is adopted goes again
        monkeypatch.delenv(name)
    with filled() as index:
        path = place / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("URL", index.url))
        if "extra" in text:
            monkeypatch.setenv("PIP_INDEX_URL", index.url)
        assert versions() == ALL


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "PIP_INDEX_URL"])
def test_the_index_is_the_one_that_a_variable_names(place, monkeypatch, name):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "")
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    with filled() as index:
        monkeypatch.setenv(name, index.url)
        assert versions() == ALL


def test_what_uv_is_told_comes_before_what_pip_is_told(place, monkeypatch):
    with filled() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"inner={index.url}")
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/")
        assert versions() == ALL


@pytest.mark.parametrize(("strategy", "expected"), [("", ["2.0"]), ("x", [*ALL, "2.0"])])
def test_the_first_index_that_has_it_counts_or_all(place, monkeypatch, strategy, expected):
    with filled() as index, LocalIndex() as first, LocalIndex() as empty:
        first.publish(wheel("2.0"))
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_INDEX", f"{empty.url} {first.url}")
        if strategy:
            monkeypatch.setenv("UV_INDEX_STRATEGY", "unsafe-best-match")
        assert versions() == expected
        assert empty.asked


def test_the_index_may_be_a_folder(place, monkeypatch):
    with filled() as index:
        page = index.page(NAME, "")
    folder = place / "an index" / NAME
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(links(page))
    monkeypatch.setenv("UV_DEFAULT_INDEX", folder.parent.as_uri())
    assert versions() == ALL
    monkeypatch.setenv("UV_DEFAULT_INDEX", (place / "nowhere").as_uri())
    assert "no such folder" in fault()


def test_settings_that_forbid_to_ask_are_named(place, monkeypatch):
    for name, words in (("UV_OFFLINE", "offline"),):
        monkeypatch.setenv(name, "1")
        assert words in fault()
        monkeypatch.delenv(name)
    (place / "work" / "uv.toml").write_text("no-index = true\n")
    assert "no-index" in fault()
    (place / "work" / "uv.toml").write_text("no-index = [\n")
    assert "uv.toml" in fault()


# ------------------------------------------------------------------------------ what is on the page


def test_an_index_may_answer_in_html(place, monkeypatch):
    with filled(html=True) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        with index_client.Index() as client:
            found = client.releases(NAME)
    assert found == (Release("1.0", None), Release("1.1", None), Release("1.2", None, True))


def test_html_says_which_python_and_what_was_withdrawn():
    page = b"""<!DOCTYPE html><html><body><a href="/">Up</a>
      <a href="/f/engine-1.0.tar.gz?x=1#sha256=00" data-requires-python="&gt;=3.9">engine</a>
      <a href="engine-1.1%2Bcpu-py3-none-any.whl" data-yanked="broken">wheel</a></body></html>"""
    assert parse(page, "engine") == (
        Release("1.0", None, False, ">=3.9"),
        Release("1.1+cpu", None, True),
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [("2026-02-01", ["1.0"]), ("2026-03-01T12:00:00Z", ["1.0"]), ("2026-05-05", ["1.0", "1.1"]),
     ("1000 weeks", [])],
)  # fmt: skip
def test_what_is_newer_than_the_cut_off_is_not_there(place, monkeypatch, said, expected):
    (place / "work" / "uv.toml").write_text(f'exclude-newer = "{said}"\n')
    with filled() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        assert versions() == expected


def test_a_cut_off_may_be_relative():
    now = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
    shown = " exclude_newer: ExcludeNewer {\n global: Some(\n Relative(\n Span(\n SPAN,\n ),\n"
    for span, days in (("3d", 3), ("1w", 7), ("1w 2d", 9), ("48h", 2)):
        known = index_client.read_settings("--index-url x\n", shown.replace("SPAN", span), now)
        assert known.before == now - datetime.timedelta(days)


# ---------------------------------------------------------------------------- certificates, log-in


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A company's own authority and what it signed: for an index, and for one who asks."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: `apt-get install openssl`")
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Authority",
            "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem",
            "-out", "wanted")  # fmt: skip
    openssl("x509", "-req", "-in", "wanted", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", "names", "-out", "leaf.pem")  # fmt: skip
    (folder / "both.pem").write_text(
        (folder / "key.pem").read_text() + (folder / "leaf.pem").read_text()
    )
    only = folder / "folder"
    only.mkdir()
    shutil.copy(folder / "ca.pem", only / "company.pem")
    return folder


def secure(authority, *, client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "both.pem")
    if client:
        context.load_verify_locations(authority / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return filled(tls=context)


def uv_finds(name=NAME):
    finished = subprocesses.run(
        [uv.program(), "pip", "install", "--dry-run", "--no-deps", "--target", "x", name],
        timeout=60,
    )
    return finished.code == 0


@pytest.mark.parametrize(
    "named", [{"SSL_CERT_FILE": "ca.pem"}, {"SSL_CERT_DIR": "folder"}, {"UV_INSECURE_HOST": None}]
)
def test_certificates_are_trusted_as_uv_trusts_them(place, monkeypatch, authority, named):
    with secure(authority) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        told = fault()
        assert "SSL_CERT_FILE" in told
        assert "no network" not in told
        assert not uv_finds()
        for name, value in named.items():
            monkeypatch.setenv(name, "127.0.0.1" if value is None else str(authority / value))
        assert uv_finds()
        assert versions() == ALL


def test_a_file_of_uv_may_name_hosts_without_certificates(place, monkeypatch, authority):
    with secure(authority) as index:
        port = index.server.server_address[1]
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        (place / "work" / "uv.toml").write_text(f'allow-insecure-host = ["127.0.0.1:{port}"]\n')
        assert versions() == ALL
        (place / "work" / "uv.toml").write_text('allow-insecure-host = ["127.0.0.1:1"]\n')
        assert "not trusted" in fault()


def test_the_index_may_want_a_certificate(place, monkeypatch, authority):
    with secure(authority, client=True) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
        assert "SSL_CLIENT_CERT" in fault()
        monkeypatch.setenv("SSL_CLIENT_CERT", str(authority / "nowhere.pem"))
        assert "SSL_CLIENT_CERT" in fault()
        monkeypatch.setenv("SSL_CLIENT_CERT", str(authority / "both.pem"))
        assert versions() == ALL


def test_the_log_in_comes_from_the_address_or_netrc(place, monkeypatch):
    with filled() as index:
        index.login = "Basic " + base64.b64encode(b"me:secret").decode()
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        assert ".netrc" in fault()
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url.replace("//", "//me:wrong@"))
        told = fault()
        assert "401" in told
        assert "wrong" not in told.partition("found")[0]
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url.replace("//", "//me:secret@"))
        assert versions() == ALL
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        netrc = place / "home" / ".netrc"
        netrc.write_text("machine 127.0.0.1 login me password secret\n")
        netrc.chmod(0o600)
        assert versions() == ALL


def test_a_message_shows_no_password():
    assert (
        index_client.shown("https://u:p@a.example:8/simple/x/?k=1")
        == "https://a.example:8/simple/x/"
    )


# ------------------------------------------------------------------------------ proxies, no network

AWAY = "http://packages.invalid/simple/"
"""An index that only the proxy knows."""


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_used(place, monkeypatch, name):
    monkeypatch.setenv("UV_DEFAULT_INDEX", AWAY)
    with filled() as index:
        # As a proxy the index answers for any host.
        monkeypatch.setenv(name, index.url.removesuffix("/simple/"))
        assert versions() == ALL
        assert any(path.startswith("http://packages.invalid/") for path in index.asked)
        asked = len(index.asked)
        monkeypatch.setenv("NO_PROXY", "packages.invalid")
        assert "nobody there" in fault()
        assert len(index.asked) == asked


def test_a_file_of_uv_may_name_the_proxy(place, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", AWAY)
    file = place / "work" / "uv.toml"
    with filled() as index:
        proxy = index.url.removesuffix("/simple/")
        file.write_text(f'http-proxy = "{proxy}"\n')
        assert versions() == ALL
        file.write_text(f'http-proxy = "{proxy}"\nno-proxy = ["packages.invalid"]\n')
        assert "nobody there" in fault()
        file.write_text(f'http-proxy = "{proxy.replace("//", "//me:secret@")}"\n')
        told = fault()
        assert "HTTP_PROXY" in told
        assert "secret" not in told


class Tunnels(http.server.BaseHTTPRequestHandler):
    status = 407

    def do_CONNECT(self):
        self.send_error(self.status)

    def log_message(self, *_):
        pass


def test_a_proxy_that_does_not_let_through_is_named(place, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://packages.invalid/simple/")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tunnels)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{server.server_address[1]}")
    told = fault()
    server.shutdown()
    server.server_close()
    assert "HTTPS_PROXY" in told
    assert "no network" not in told
    assert "secret" not in told
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://127.0.0.1:1")
    told = fault()
    assert "proxy" in told.lower()


@pytest.mark.parametrize("url", [AWAY, "http://127.0.0.1:1/simple/"])
def test_no_network_is_said_where_there_is_none(place, monkeypatch, url):
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)
    monkeypatch.setattr(uv, "connected", lambda: True)
    assert "no network" not in fault()
    assert "UV_DEFAULT_INDEX" in fault()
    monkeypatch.setattr(uv, "connected", lambda: False)
    assert "no network" in fault()


@pytest.mark.parametrize("mood", ["down", "page"])
def test_no_network_is_not_said_where_there_is_one(place, monkeypatch, mood):
    with filled() as index:
        index.mood = mood
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        assert "network" not in fault()
