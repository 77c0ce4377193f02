"""Differential equations of the papers, solved by networks and held against their solutions."""
