"""Names and texts that Eureka, its paths and its XML readers can hold."""

import hashlib
import re

#: Characters of ids and applications, which are parts of paths, and which people read.
_ID_SAFE = re.compile(r"[A-Za-z0-9._:@-]+")
_ID_OTHER = re.compile(r"[^A-Za-z0-9._:@-]")
_APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*")
_LONGEST_ID = 200
_FINGERPRINT = re.compile(r"-[0-9a-f]{12}$")
#: Metadata keys become names of XML elements. One wrong key, and no XML reader could read the
#: answer any more, with everything that others registered.
_KEY_OTHER = re.compile(r"[^A-Za-z0-9._-]")
#: Characters that XML 1.0 does not allow, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def instance_id(id_: str) -> str:
    """Return Eureka's instanceId for an id: always the same, and usable in a path.

    An id with other characters keeps its readable part and gets a fingerprint. So does one that
    ends like a fingerprint: it could be the instanceId of another.
    """
    safe = _ID_SAFE.fullmatch(id_) and len(id_) <= _LONGEST_ID and id_.strip(".")
    if safe and not _FINGERPRINT.search(id_):
        return id_
    fingerprint = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{_ID_OTHER.sub('_', id_)[:_LONGEST_ID]}-{fingerprint}"


def is_app(service: str) -> bool:
    """Whether an application can have this name: in paths, and in the comma list of vips."""
    return bool(_APP.fullmatch(service)) and len(service) <= _LONGEST_ID


def xml_key(key: str) -> str:
    """Return the key as a name of an XML element, perhaps changed; "" if no part of it is valid."""
    return _KEY_OTHER.sub("-", key).lstrip("0123456789._-")


def xml_text(text: str) -> str:
    """Return the text without characters that XML cannot hold."""
    return _NOT_XML.sub("", text)
