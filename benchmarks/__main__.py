"""`python -m benchmarks [assets ...]`: what a proof costs, in time here and in gas on a chain."""

import sys

from benchmarks import gas, proof

proof.main(sys.argv[1:])
gas.main(sys.argv[1:])
