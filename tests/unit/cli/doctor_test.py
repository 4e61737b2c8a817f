"""The doctor: looks side by side, each fault in its own line, certificates by their last day."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dsr_cli.doctor.bundle import log_lines
from dsr_cli.doctor.certificates import certificate, mail_server, postgresql
from dsr_cli.doctor.findings import Finding, State, examined, fine
from dsr_cli.doctor.services import measured, samples, service, skew
from dsr_cli.errors import CommandError


def test_looks_go_side_by_side_and_one_that_fails_or_hangs_hides_no_other() -> None:
    meeting, never = threading.Barrier(2), threading.Event()

    def together(part: str) -> Callable[[], Iterator[Finding]]:
        def look() -> Iterator[Finding]:
            meeting.wait(5)
            yield fine(part, "met")

        return look

    def refused() -> Iterator[Finding]:
        raise CommandError("no credential")
        yield

    def broken() -> Iterator[Finding]:
        raise KeyError("anna@example.com")
        yield

    def hanging() -> Iterator[Finding]:
        never.wait()
        yield fine("hanging", "")

    found = examined(
        {
            "hanging": hanging,
            "one": together("one"),
            "refused": refused,
            "broken": broken,
            "two": together("two"),
        },
        within=1,
    )
    never.set()
    assert [(one.part, one.state, one.seen) for one in found] == [
        ("hanging", State.FAULT, "no answer within 1 s"),
        ("one", State.OK, "met"),
        ("refused", State.FAULT, "no credential"),
        ("broken", State.FAULT, "KeyError"),
        ("two", State.OK, "met"),
    ]
    assert all(one.todo for one in found if one.state is not State.OK)


@contextmanager
def server(certificate_file: Path | None = None, body: str = "") -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            return

    class Quiet(HTTPServer):
        def handle_error(self, *_: object) -> None:
            return  # the doctor hangs up after the handshake

    served = Quiet(("127.0.0.1", 0), Handler)
    if certificate_file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate_file)
        served.socket = context.wrap_socket(served.socket, server_side=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield served.server_port
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


def a_certificate(folder: Path, *, ends: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=90))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(("days", "state"), [(-2, State.FAULT), (5, State.WARNING), (60, State.OK)])
def test_a_certificate_is_judged_by_its_last_day(tmp_path: Path, days: int, state: State) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    with server(a_certificate(tmp_path, ends=ends)) as port:
        [found] = certificate("kafka", "127.0.0.1", port)
    assert found.state is state
    assert f"{ends:%Y-%m-%d}" in found.seen
    assert bool(found.todo) is (state is not State.OK)


def test_a_server_without_tls_shows_no_certificate() -> None:
    with server() as port:
        [found] = certificate("kafka", "127.0.0.1", port)
    assert found.state is State.FAULT


@contextmanager
def talking(talk: Callable[[socket.socket], None], certificate_file: Path | None) -> Iterator[int]:
    """Serve one connection: first in the clear, and by TLS once that returns."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate_file is not None:
        context.load_cert_chain(certificate_file)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        plain, _ = listening.accept()
        with plain:
            talk(plain)
            if certificate_file is not None:
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as wrapped:
                    wrapped.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        thread.join(10)
        listening.close()


def as_postgresql(answer: bytes) -> Callable[[socket.socket], None]:
    def talk(plain: socket.socket) -> None:
        assert plain.recv(8) == bytes.fromhex("0000000804d2162f")
        plain.sendall(answer)

    return talk


def as_mail_server(*, offers: bool) -> Callable[[socket.socket], None]:
    def talk(plain: socket.socket) -> None:
        plain.sendall(b"220 mail.test\r\n")
        plain.recv(200)
        plain.sendall(b"250-mail.test\r\n250 STARTTLS\r\n" if offers else b"250 mail.test\r\n")
        assert plain.recv(200).strip().upper() == (b"STARTTLS" if offers else b"QUIT")
        plain.sendall(b"220 go on\r\n" if offers else b"221 bye\r\n")

    return talk


@pytest.mark.parametrize(("days", "state"), [(-2, State.FAULT), (5, State.WARNING), (60, State.OK)])
@pytest.mark.parametrize("part", ["postgresql", "mail server"])
def test_a_certificate_is_seen_behind_what_is_spoken_before_it(
    tmp_path: Path, part: str, days: int, state: State
) -> None:
    ends = datetime.now(UTC) + timedelta(days=days)
    is_mail = part == "mail server"
    talk = as_mail_server(offers=True) if is_mail else as_postgresql(b"S")
    with talking(talk, a_certificate(tmp_path, ends=ends)) as port:
        if is_mail:
            [found] = mail_server(part, f"smtp://dsr:secret@127.0.0.1:{port}")
        else:
            [found] = postgresql(part, f"postgresql://dsr:secret@127.0.0.1:{port}/dsr")
    assert (found.part, found.state) == (part, state)
    assert f"{ends:%Y-%m-%d}" in found.seen


def test_a_postgresql_or_a_mail_server_without_tls_is_a_warning_that_says_what_to_do() -> None:
    with talking(as_postgresql(b"N"), None) as port:
        [database] = postgresql("postgresql", f"postgresql://dsr:secret@127.0.0.1:{port}/dsr")
    with talking(as_mail_server(offers=False), None) as port:
        [mail] = mail_server("mail server", f"smtp://dsr:secret@127.0.0.1:{port}")
    for one in (database, mail):
        assert one.state is State.WARNING
        assert "no TLS" in one.seen
        assert "secret" not in one.seen
        assert one.todo


def test_lag_and_age_are_judged_by_the_services_own_measurements() -> None:
    exposition = """# HELP dsr_intake_consumer_lag_records Records
dsr_intake_consumer_lag_records{topic="dsr.closures.v1"} 20000.0
dsr_intake_outbox_age_seconds 3.0
dsr_intake_keys_unknown 2.0
"""
    assert len(list(samples(exposition))) == 3
    with server(body=exposition) as port:
        found = {one.part: one for one in measured("intake", f"http://127.0.0.1:{port}")}
    assert found["intake: lag"].state is State.WARNING
    assert "20000 records of dsr.closures.v1" in found["intake: lag"].seen
    assert found["intake: outbox"].state is State.OK
    assert found["intake: keys unknown"].state is State.WARNING


def test_of_what_is_measured_by_label_the_largest_is_judged() -> None:
    exposition = """dsr_intake_letters_waiting_age_seconds{kind="done"} 4000.0
dsr_intake_letters_waiting_age_seconds{kind="received"} 0.0
dsr_intake_receipts_untold{regime="ccpa",date="ahead"} 0.0
dsr_intake_receipts_untold{regime="ccpa",date="passed"} 2.0
"""
    with server(body=exposition) as port:
        found = {one.part: one for one in measured("intake", f"http://127.0.0.1:{port}")}
    for part, seen in (("letters", "4000 seconds"), ("receipts", "2 people")):
        assert found[f"intake: {part}"].state is State.WARNING
        assert seen in found[f"intake: {part}"].seen


@pytest.mark.parametrize("ahead", [3600, -90])
def test_a_services_clock_that_is_off_is_told_with_how_far(ahead: int) -> None:
    told = clock_of({"now": time.time() + ahead})
    assert told.state is State.WARNING
    off = float(told.seen.removesuffix(" s beside this machine's"))
    # What an answer took on its way may be the difference, and is not counted as one.
    assert abs(ahead - off) < 20
    assert "NTP" in told.todo


def test_a_services_clock_a_little_ahead_is_well() -> None:
    told = clock_of({"now": time.time() + 0.9})
    assert (told.state, told.seen) == (State.OK, "within 1 s of this machine's")


def clock_of(said: dict[str, float]) -> Finding:
    with server(body=json.dumps({"about": {}, "parts": {}} | said)) as port:
        found = {one.part: one for one in service("intake", f"http://127.0.0.1:{port}")}
    assert found["intake"].state is State.OK
    return found["intake: clock"]


def test_versions_that_differ_are_told() -> None:
    with server(body='{"about": {"version": "0.2.0"}}') as port:
        urls = {"intake": f"http://127.0.0.1:{port}", "fanout": "http://127.0.0.1:9"}
        [differs] = skew(urls, "0.1.0")
        [same] = skew(urls, "0.2.0")
    assert (differs.state, differs.seen) == (State.WARNING, "dsr 0.1.0, intake 0.2.0")
    assert same.state is State.OK


def test_of_a_log_line_only_ids_and_words_of_ours_are_shown() -> None:
    said = (
        '{"event": "a part is away", "logger": "dsr_fanout.x", "topic": "dsr.closures.v1",'
        ' "error": "KafkaTimeoutError", "address": "10.0.0.1", "request_id": "Anna Example"}'
    )
    [line] = log_lines([said])
    assert line == (
        '{"logger": "dsr_fanout.x", "topic": "dsr.closures.v1", "event": "a part is away",'
        ' "error": "KafkaTimeoutError"}'
    )
