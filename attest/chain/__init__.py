"""The chain side: contract artifacts, client and publisher."""
