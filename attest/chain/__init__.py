"""The chain side: contract artifacts, client and publisher."""

from attest.chain.artifacts import Artifact, ContractName, custom_errors, load_artifact

__all__ = ["Artifact", "ContractName", "custom_errors", "load_artifact"]
