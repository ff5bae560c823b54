"""Names and texts that Eureka, its paths and its XML readers can hold."""

import hashlib
import re

#: What ids and applications may consist of: it stands in paths, and people read it.
_ID_SAFE = re.compile(r"[A-Za-z0-9._:@-]+")
_ID_OTHER = re.compile(r"[^A-Za-z0-9._:@-]")
_APP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*")
_LONGEST_ID = 200
#: Metadata keys become names of XML elements; one answer with a wrong one none of the XML readers
#: could read any more, with all that others registered.
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_KEY_OTHER = re.compile(r"[^A-Za-z0-9._-]")
#: Characters that XML 1.0 does not allow, however they are escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def instance_id(id_: str) -> str:
    """Eureka's instanceId for an id: the same always, and usable in a path.

    An id with other characters keeps its readable part and gets a fingerprint.
    """
    if _ID_SAFE.fullmatch(id_) and len(id_) <= _LONGEST_ID and id_.strip("."):
        return id_
    print_ = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{_ID_OTHER.sub('_', id_)[:_LONGEST_ID]}-{print_}"


def is_app(service: str) -> bool:
    """Whether the name can be that of an application: in paths, and in the comma list of vips."""
    return bool(_APP.fullmatch(service)) and len(service) <= _LONGEST_ID


def xml_key(key: str) -> str:
    """The key as a name of an XML element, perhaps changed; "" if nothing of it is left."""
    if _KEY.fullmatch(key):
        return key
    changed = _KEY_OTHER.sub("-", key)
    while changed and not changed[0].isalpha():
        changed = changed[1:]
    return changed


def xml_text(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NOT_XML.sub("", text)
