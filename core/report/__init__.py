"""A report of a scan, for a person who has neither the images nor the App.

:mod:`~core.report.model` is what it says; :mod:`~core.report.as_html`,
:mod:`~core.report.as_markdown` and :mod:`~core.report.as_json` say it. Names of
files, classes and tags are hostile input: each of them escapes all text.
"""
