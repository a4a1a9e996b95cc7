"""Options that several verbs share, and the public terms that they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from eth_utils.address import is_address, is_checksum_address, to_checksum_address

from attest.bundle import Bundle, OpeningFile, SignedSource
from attest.errors import EncodingError
from attest.liabilities import BookFile
from attest.program import Layout
from attest.srs import load_setup
from optimizer import Market
from optimizer.policy import Policy

from .pipeline import Terms, any_previous_layout, compares_epochs, layout_of
from .terminal import step

DEFAULT_VALIDITY_DAYS = 7
APPROVAL_DAYS = 2 * DEFAULT_VALIDITY_DAYS
"""Default validity of an approval: no proof outlives it, and proofs are made some days later."""

MarketOption = Annotated[Path, typer.Option("--market", help="Public market file, made by `proofolio market`.")]
PolicyOption = Annotated[Path, typer.Option("--policy", help="Policy file.")]
HoldingsOption = Annotated[Path, typer.Option("--holdings", help="Private holdings file.")]
FundOption = Annotated[Path, typer.Option("--fund", help="The fund's public terms: registry, fund, signers.")]
KeystoreOption = Annotated[
    Path | None, typer.Option("--keystore", envvar="PROOFOLIO_KEYSTORE", help="Encrypted key that signs and pays.")
]
SignerOption = Annotated[
    str | None,
    typer.Option(
        "--signer", help="Address of an account of the external signer at PROOFOLIO_SIGNER_URL, in place of a keystore."
    ),
]
JournalOption = Annotated[
    str,
    typer.Option(
        "--journal",
        envvar="PROOFOLIO_JOURNAL",
        show_envvar=True,
        help="SQLite file, or postgresql+psycopg://... URL, that remembers what was signed and sent; keep it. "
        "A URL with a password belongs into the variable.",
    ),
]
OutOption = Annotated[Path, typer.Option("--out", help="File to write.")]
ValidityOption = Annotated[int, typer.Option("--valid-days", min=1, max=366, help="Validity from now, in days.")]
PreviousMarketOption = Annotated[
    Path | None,
    typer.Option("--previous-market", help="Market file of the previous epoch, for policies that compare epochs."),
]
PreviousPolicyOption = Annotated[
    Path | None, typer.Option("--previous-policy", help="Policy of the previous epoch; default: the same policy.")
]
PreviousHoldingsOption = Annotated[
    Path | None, typer.Option("--previous-holdings", help="Private holdings file of the previous epoch.")
]
PreviousSetOption = Annotated[
    str | None,
    typer.Option("--previous-source-set", help="Hash of the previous epoch's source set, from the registry's record."),
]
PreviousBundleOption = Annotated[
    Path | None, typer.Option("--previous-bundle", help="Bundle of the previous epoch that you verified before.")
]
WalletOption = Annotated[
    Path | None,
    typer.Option("--wallet", help="What the registry read at the fund's addresses, where the policy has that."),
]
BookOption = Annotated[
    Path | None, typer.Option("--book", help="The fund's published liability book, where the policy has one.")
]
ReferenceOption = Annotated[
    bool, typer.Option("--reference", help="Also ask the second verifier: plain Python, some seconds a proof.")
]
BookRootOption = Annotated[
    str | None, typer.Option("--book-root", help="Root of the liability book, from the registry, in place of --book.")
]


def previous_layout(policy: Policy, previous_market: Path | None, previous_policy: Path | None) -> Layout | None:
    """The layout of the previous epoch's holdings, where a policy compares with them.

    Raises: EncodingError: it does, and no market of the previous epoch is given.
    """
    if not compares_epochs(policy):
        return None
    if previous_market is None:
        raise EncodingError(
            "the policy compares epochs: give --previous-market, the market file of the previous epoch, and "
            "--previous-policy if that epoch was under another policy"
        )
    before = Policy.load(previous_policy) if previous_policy is not None else policy
    return layout_of(before, Market.load(previous_market))


def load_terms(
    market: Path, policy: Path, previous_market: Path | None = None, previous_policy: Path | None = None
) -> Terms:
    """The statements of a policy on a market, compiled; their keys are computed when they are asked for."""
    rules = Policy.load(policy)
    before = previous_layout(rules, previous_market, previous_policy)
    with step("Reading the ceremony"):
        setup = load_setup()
    return Terms.of(rules, Market.load(market), setup, before)


def load_layout_terms(market: Path, policy: Path) -> Terms:
    """The terms of a policy on a market where only the layout matters, which no previous epoch changes."""
    rules, data = Policy.load(policy), Market.load(market)
    with step("Reading the ceremony"):
        setup = load_setup()
    return Terms.of(rules, data, setup, any_previous_layout(rules, data))


def save_source(opening: OpeningFile, signed: SignedSource, folder: Path) -> Path:
    """Write both files of a source. Returns: their common start, FOLDER/NAME."""
    folder.mkdir(parents=True, exist_ok=True)
    opening.save(folder / f"{opening.source}.opening.json")
    signed.save(folder / f"{opening.source}.source.json")
    return folder / opening.source


def trusted_source_set(terms: Terms, hash_: str | None, bundle: Path | None) -> bytes | None:
    """Hash of the previous epoch's source set, as the reader knows it; None where the policy compares no epochs.

    Raises: EncodingError: it does, and the reader does not say, or says it in no hash.
    """
    if terms.compiled.previous_layout is None:
        return None
    if bundle is not None and hash_ is None:
        return Bundle.load(bundle).source_set().hash
    if hash_ is None or bundle is not None:
        raise EncodingError(
            "the policy compares epochs: give either --previous-source-set 0x..., which `proofolio status` shows, or "
            "--previous-bundle, the previous epoch's bundle that you verified; the prover's own word does not count"
        )
    return parse_hash(hash_, "--previous-source-set")


def parse_root(book: Path | None, root: str | None) -> bytes | None:
    """The root of a book, or the one that the user gives.

    Raises: EncodingError: both are given and differ.
    """
    given = parse_hash(root, "--book-root") if root is not None else None
    if book is None:
        return given
    published = BookFile.load(book).root
    if given is not None and given != published:
        raise EncodingError(f"{book} has another root than --book-root")
    return bytes(published)


def parse_address(text: str, option: str) -> str:
    """An address of an option, checksummed; capitals that are no checksum are a typing error.

    Raises: EncodingError: no such address, or that of nobody.
    """
    if not is_address(text) or int(text, 16) == 0:
        raise EncodingError(f"{option} {text}: an address is 0x and 40 hexadecimal digits, and not zero")
    if text[2:] != text[2:].lower() and not is_checksum_address(text):
        raise EncodingError(f"{option} {text}: its capitals are not its checksum (EIP-55); is it mistyped?")
    return str(to_checksum_address(text))


def the_one(**given: object) -> str:
    """Which of several options is given. Raises: EncodingError: none of them, or more than one."""
    chosen = [name for name, value in given.items() if value]
    if len(chosen) != 1:
        *others, last = (f"--{name}" for name in given)
        raise EncodingError(f"give one of {', '.join(others)} and {last}")
    return chosen[0]


def parse_hash(text: str, option: str) -> bytes:
    """32 bytes of an option. Raises: EncodingError: no such hash."""
    if not re.fullmatch(r"0x[0-9a-fA-F]{64}", text):
        raise EncodingError(f"{option} {text}: a hash is 0x and 64 hexadecimal digits")
    return bytes.fromhex(text[2:])
