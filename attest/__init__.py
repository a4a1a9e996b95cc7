"""Commitments and zero-knowledge proofs about a private vector of holdings."""
