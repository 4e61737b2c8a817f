"""The console: what somebody who looks after the loop is shown, and who that may be."""
