"""What every JUnit XML of ours is made with; `junit.xsd` beside it is its contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

SCHEMA_FILE = Path(__file__).with_name("junit.xsd")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def clean(text: str) -> str:
    """What XML cannot hold, shown as what it is."""
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def add_properties(suite: ET.Element, properties: Mapping[str, object]) -> None:
    """Names with values; those that are None are left out."""
    told = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        if value is not None:
            ET.SubElement(told, "property", name=clean(name), value=clean(str(value)))


def document(root: ET.Element) -> str:
    """The whole as text, with the numbers of tests, failures, errors and skipped tests in the root and in each suite."""
    for element in (*root.findall("testsuite"), root):
        element.set("tests", str(len(element.findall(".//testcase"))))
        for counted, tag in _COUNTED.items():
            element.set(counted, str(len(element.findall(f".//testcase/{tag}"))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
