"""The contract, held against every tool; see `test_contract`."""
