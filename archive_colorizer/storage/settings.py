"""Settings of object stores, which callers hand to whatever opens a store or a file.

Credentials are not here: boto3 finds them in the environment, in profiles or in a machine's role.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """The way to an object store; travels to every worker."""

    endpoint: str = ""
    """URL of an S3-compatible store; empty leaves it to AWS_ENDPOINT_URL, else AWS."""
    anonymous: bool = False
    """Sign nothing: for public buckets."""


DEFAULT_S3: Final = S3Settings()
"""The settings of a caller that has none: the endpoint from the environment, requests signed."""
