"""Reports as one web page that needs nothing else: no network, no other file, no server."""

from caffe2keras.page.facts import (
    Section,
    section_of_conversion,
    section_of_error,
    section_of_verification,
)
from caffe2keras.page.render import render_page, write_page
from caffe2keras.page.results import section_of_result

__all__ = [
    "Section",
    "render_page",
    "section_of_conversion",
    "section_of_error",
    "section_of_result",
    "section_of_verification",
    "write_page",
]
