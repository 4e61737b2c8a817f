"""What the ledger does with what it is told; knows ports only."""
