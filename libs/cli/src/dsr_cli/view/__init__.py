"""What people see of requests in a terminal."""
