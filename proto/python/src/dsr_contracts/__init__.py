"""Messages of the data subject request loop, generated from proto/."""
