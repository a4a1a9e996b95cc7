"""`python -m benchmarks [assets ...]`: what a proof costs."""

import sys

from benchmarks.proof import main

main(sys.argv[1:])
