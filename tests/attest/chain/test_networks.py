"""Networks by name, and the chain id that is checked before anything else."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from attest.chain import Chain, EmbeddedChain, NetworkError, WrongChain, load_network

SECRET = "https://node.invalid/v3/access-key"


def test_presets() -> None:
    assert load_network("sepolia").chain_id == 11155111
    assert load_network("hoodi").chain_id == 560048
    assert load_network("anvil").addresses({}) == ("http://127.0.0.1:8545",)
    assert load_network("embedded").embedded
    assert load_network("sepolia").confirmations == load_network("hoodi").confirmations == 12
    assert load_network("anvil").confirmations == load_network("embedded").confirmations == 0


def test_address_from_the_environment() -> None:
    sepolia = load_network("sepolia")
    assert sepolia.addresses({"PROOFOLIO_RPC_URL": SECRET}) == (SECRET,)
    assert sepolia.addresses({"PROOFOLIO_RPC_URL": f"{SECRET}, http://second,"}) == (SECRET, "http://second")
    with pytest.raises(NetworkError, match="set PROOFOLIO_RPC_URL"):
        sepolia.addresses({})
    with pytest.raises(NetworkError, match="http") as error:
        sepolia.addresses({"PROOFOLIO_RPC_URL": f"{SECRET},ws{SECRET}"})
    assert "access-key" not in str(error.value)


def test_own_file_overrides_and_adds(tmp_path: Path) -> None:
    own = tmp_path / "networks.toml"
    own.write_text(
        f'[networks.sepolia]\nrpc_url = "{SECRET}"\nmax_fee_gwei = 5\n\n'
        f'[networks.private]\nchain_id = 7\nrpc_urls = ["http://127.0.0.1:1", "{SECRET}"]\nfinalized = true\n'
    )
    sepolia = load_network("sepolia", own)
    assert (sepolia.chain_id, sepolia.addresses({}), sepolia.max_fee_gwei) == (11155111, (SECRET,), 5)
    assert "access-key" not in repr(sepolia)
    private = load_network("private", own)
    assert (private.chain_id, private.addresses(), private.finalized) == (7, ("http://127.0.0.1:1", SECRET), True)
    assert "access-key" not in repr(private)
    assert load_network("hoodi", own).rpc_url_env == "PROOFOLIO_RPC_URL"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[networks.x", "not a TOML file"),
        ("[networks.x]\nchain_id = 1\n", "exactly one of"),
        ('[networks.x]\nchain_id = "1"\nrpc_url = "http://h"\n', "chain_id"),
        ('[networks.x]\nchain_id = 1\nrpc_url = "http://h"\nwrong = 1\n', "wrong"),
        ("[other]\n", "only tables"),
        ("networks = 3\n", "only tables"),
        ("[networks]\nx = 3\n", "a network is a table"),
    ],
)
def test_malformed_files_name_what_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    own = tmp_path / "networks.toml"
    own.write_text(content)
    with pytest.raises(NetworkError, match=message):
        load_network("x", own)


def test_unknown_name_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="there are anvil, embedded, hoodi, sepolia"):
        load_network("mainnet")
    with pytest.raises(NetworkError, match="cannot be read"):
        load_network("anvil", tmp_path / "none.toml")


def test_another_chain_behind_the_name() -> None:
    with pytest.raises(WrongChain) as error:
        Chain.connect(load_network("embedded").model_copy(update={"chain_id": 11155111}), EmbeddedChain())
    assert (error.value.expected, error.value.actual) == (11155111, 131277322940537)
    assert "nothing was sent" in str(error.value)


def test_an_unreachable_node_does_not_show_its_address(tmp_path: Path) -> None:
    own = tmp_path / "networks.toml"
    own.write_text('[networks.x]\nchain_id = 1\nrpc_url = "http://127.0.0.1:1/access-key"\n')
    with pytest.raises(NetworkError, match="cannot be reached") as error:
        Chain.connect(load_network("x", own))
    assert "access-key" not in str(error.value) and error.value.__cause__ is None


def test_the_embedded_clock_does_not_follow_the_computers() -> None:
    node = EmbeddedChain(genesis_time=1_000_000_000)
    node.endow("0x00000000000000000000000000000000000000f1")
    assert node.time == 1_000_000_036  # the factory took two blocks
    node.set_time(1_000_000_900)
    node.endow("0x00000000000000000000000000000000000000f1")
    assert 1_000_000_900 <= node.time <= 1_000_000_924


@pytest.mark.parametrize("answer", [b"", b"not json", b"[]", b'{"jsonrpc": "2.0", "id": 0, "result": null}', b"{}"])
def test_a_node_that_answers_nonsense(tmp_path: Path, answer: bytes) -> None:
    class Nonsense(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Nonsense) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        own = tmp_path / "networks.toml"
        own.write_text(f'[networks.x]\nchain_id = 1\nrpc_url = "http://127.0.0.1:{server.server_port}/access-key"\n')
        try:
            with pytest.raises((NetworkError, WrongChain)) as error:
                Chain.connect(load_network("x", own))
        finally:
            server.shutdown()
    assert "access-key" not in str(error.value)
