"""What a watcher tells the machines that look after it: a health endpoint and Prometheus metrics, over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from attest.errors import EncodingError

PROVING_BUCKETS = (1, 2, 5, 10, 30, 60, 300)


class Metrics:
    """One watcher's metrics. No quantity and no key is among them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"proofolio_{name}", text, registry=self.registry)

        self.compliant = gauge("compliant", "1 while the registry answers that the fund is compliant")
        self.epoch = gauge("recorded_epoch", "Latest completed epoch of the fund under the policy")
        self.expiry = gauge("expiry_timestamp_seconds", "Until when the latest attestation counts")
        self.due = gauge("due_epoch", "Epoch that is due by the calendar")
        self.last_pass = gauge("last_pass_timestamp_seconds", "When the watcher last looked without an error")
        self.balance = gauge("payer_ether", "What is left to pay transactions with")
        self.proving = Histogram(
            "proofolio_proving_seconds",
            "Time to prove an epoch",
            buckets=PROVING_BUCKETS,
            registry=self.registry,
        )
        self.gas = gauge("publication_gas", "Gas of the latest publication")
        self.published = Counter("proofolio_published", "Epochs published", registry=self.registry)
        self.errors = Counter("proofolio_errors", "Passes that failed", ["kind"], registry=self.registry)


@dataclass
class Health:
    """Whether a person should look. Args: detail: why, in one sentence."""

    healthy: bool = False
    detail: str = "starting"
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def set(self, healthy: bool, detail: str) -> None:
        with self._lock:
            self.healthy, self.detail = healthy, detail

    def get(self) -> tuple[bool, str]:
        with self._lock:
            return self.healthy, self.detail


class _Handler(BaseHTTPRequestHandler):
    health: ClassVar[Health]
    metrics: ClassVar[Metrics]

    def do_GET(self) -> None:
        if self.path == "/healthz":
            healthy, detail = self.health.get()
            body = json.dumps({"healthy": healthy, "detail": detail}).encode()
            self._answer(200 if healthy else 503, "application/json", body)
        elif self.path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.metrics.registry))
        else:
            self._answer(404, "text/plain", b"/healthz and /metrics\n")

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


@contextmanager
def serving(address: str, health: Health, metrics: Metrics) -> Iterator[int]:
    """Answer at HOST:PORT as long as the block runs. Yields: the port, which the system chooses for 0.

    Raises: EncodingError: no such address, or it is taken.
    """
    host, _, port = address.rpartition(":")
    handler = type("Handler", (_Handler,), {"health": health, "metrics": metrics})
    try:
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), handler)
    except (ValueError, OverflowError):
        raise EncodingError(f"{address}: listen on HOST:PORT, such as 127.0.0.1:9464") from None
    except OSError as error:
        raise EncodingError(f"{address}: cannot listen there: {error.strerror or error}") from error
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
