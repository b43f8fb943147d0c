"""One export: OUTPUT in another form, to a folder or an object store."""

from archive_colorizer.errors import LocationError
from archive_colorizer.exports.options import ExportOptions
from archive_colorizer.exports.shelf import Shelf, Tally
from archive_colorizer.exports.table import FORMS
from archive_colorizer.exports.task import Task, stamp_of
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.storage import DEFAULT_S3, S3Settings, Store, parse_location


def export(
    store: Store,
    destination: Store,
    form: str,
    options: ExportOptions | None = None,
    s3: S3Settings = DEFAULT_S3,
) -> Tally:
    """Bring what OUTPUT holds to DEST in another form.

    An export that was interrupted goes on. One that is made again writes what has changed, and
    takes back what belongs to no chosen picture any more. Files of others are never overwritten.

    Args:
        store: of OUTPUT.
        destination: of DEST.
        form: key of FORMS.
        options: which pictures, and what the form may be told.
        s3: the way to masters that are objects.

    Raises:
        LocationError: there is no job at OUTPUT; DEST is in OUTPUT or SOURCE, cannot be written,
            has no room, or has another export.
        ConfigError: the form takes no such option, an id means no picture, or an extra is missing.
    """
    options = options or ExportOptions()
    row = FORMS[form]
    options.check(form, row.takes)
    job = read_job(store)
    if not job:
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    config = job["config"]
    _check_place(destination, "OUTPUT", store.uri)
    for source in (config["source"], *config.get("further", ())):
        _check_place(destination, "SOURCE", source)
    what = {"form": form, "output": store.uri, **options.given()}
    if options.ids:
        what["ids"] = stamp_of(sorted(options.ids))
    try:
        with Shelf(destination, what, alone=row.alone) as shelf:
            row.write(Task(store, s3, job, options, shelf))
            shelf.finish()
            return shelf.tally
    except OSError as error:
        raise LocationError(f"{destination.uri}: {error.strerror or error}") from error


def _check_place(destination: Store, name: str, place: str) -> None:
    if parse_location(place).holds(parse_location(destination.uri)):
        raise LocationError(f"{destination.uri}: DEST may not be in {name}")
