"""What runs only where PROOFOLIO_VECTORS=all asks for it: it takes minutes."""

import os

import pytest

ONLY_IF_ALL = pytest.mark.skipif(
    os.environ.get("PROOFOLIO_VECTORS") != "all", reason="takes minutes; PROOFOLIO_VECTORS=all runs it"
)
