"""The report: HTML pages in OUTPUT/report that a person reads offline.

`write` lays the manifest out on pages, `figures` counts, `words` has every text in both languages,
`templates/` the pages' frames. Everything on a page is its own or lies in OUTPUT: links are
relative, nothing is fetched from elsewhere, and no master or derivative is opened.
"""

from archive_colorizer.pipeline.html_report.write import INDEX, write_report

__all__ = ["INDEX", "write_report"]
