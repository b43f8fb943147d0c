"""Exports: what OUTPUT holds, in the forms that archives, viewers and offices take.

`run.export` is the door. A form is one file and one row of `table.FORMS`.
"""
