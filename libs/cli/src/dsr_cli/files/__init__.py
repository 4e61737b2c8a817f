"""Files that people write: reading YAML with its lines, and saying what is wrong in one line each."""
