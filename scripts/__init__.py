"""The proofolio command line."""
