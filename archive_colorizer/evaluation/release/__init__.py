"""Checks that a shipped model must pass, on photographs that come with the dependencies."""
