"""How object stores are reached; the same for every reader and writer of a process.

Credentials are not here: boto3 finds them in the environment, in profiles or in a machine's role.
"""

from dataclasses import dataclass

from archive_colorizer.errors import LocationError

SCHEME = "s3://"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Travels to every worker."""

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
    """This process's."""
    return _settings


def is_s3(location: str) -> bool:
    """Whether a location is an object store's."""
    return location.startswith(SCHEME)


def parse_s3(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of s3://bucket/key; keys are written as they are.

    Raises:
        LocationError: there is no bucket in it.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not is_s3(uri) or not bucket:
        raise LocationError(f"{uri}: must be s3://BUCKET or s3://BUCKET/PREFIX")
    return bucket, key
