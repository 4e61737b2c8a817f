"""What shows a closure to somebody who trusts nobody: the statement, the certificate, and its checks.

Pure: nothing here opens a connection, reads a file, or reads a clock.
"""
