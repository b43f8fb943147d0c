"""Settings of object stores; the same for every reader and writer of a process.

Credentials are not here: boto3 finds them in the environment, in profiles or in a machine's role.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """The way to an object store; travels to every worker."""

    endpoint: str = ""
    """URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL, else AWS."""
    anonymous: bool = False
    """Sign nothing: for public buckets."""


_settings = S3Settings()


def configure(given: S3Settings) -> None:
    """Set this process's settings; a driver and each worker do it once."""
    global _settings
    _settings = given


def settings() -> S3Settings:
    """Give the settings of this process."""
    return _settings
