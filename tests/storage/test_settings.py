"""The settings of object stores are values: two ways to stores go side by side in one process."""

from archive_colorizer.storage import S3Settings, s3


def test_each_settings_have_a_client_of_their_own_and_keep_it() -> None:
    ways = [S3Settings(endpoint=f"http://127.0.0.1:{port}", anonymous=True) for port in (1, 2)]
    clients = [s3.client(way) for way in ways]
    assert [one.meta.endpoint_url for one in clients] == [way.endpoint for way in ways]
    assert [s3.client(S3Settings(endpoint=way.endpoint, anonymous=True)) for way in ways] == clients
