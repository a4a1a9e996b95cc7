"""The `proofolio` command: one module per verb over the `attest` and `optimizer` libraries."""
