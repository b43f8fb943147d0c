"""temp"""

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.inputs.exclude_and_fixity import read_exclude_list
from archive_colorizer.pipeline.inputs.hints import read_hints


def mark_excluded(table, path):
    names = read_exclude_list(path)
    v = pa.array(sorted(names), pa.string())
    m = pc.is_in(table["relative"], value_set=v)
    return m, ()


def add_hints(table, path):
    given = read_hints(path)
    found = [given.get(n, "") for n in table["relative"].to_pylist()]
    return table.set_column(
        table.column_names.index("hints"), "hints", pa.array(found, pa.string())
    ), ()


def add_fixity(table, path):
    return table, ()


def check_matched(un, *, allowed):
    return tuple(un)


def mark_sensitive(table, words):
    w = {x.strip().casefold() for x in words}
    return pa.array([(s or "").strip().casefold() in w for s in table["sensitivity"].to_pylist()])
