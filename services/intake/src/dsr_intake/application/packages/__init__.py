"""Packages: what systems have handed over for an access request, in one file for the person."""
