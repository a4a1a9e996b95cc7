"""`python -m benchmarks [assets ...]`: what proofs and policies cost, in time here and in gas on a chain."""

import sys

from benchmarks import gas, policy, proof

proof.main(sys.argv[1:])
gas.main(sys.argv[1:])
policy.main()
