"""The meaning of an agent's refusals: one status, and several causes."""

from enum import Enum

from syncer import SyncerError
from syncer.kits.http import Refused


class Meaning(Enum):
    """Why a request was refused. The value is advice for the person who sees it."""

    TOKEN = "check that token, token_file or CONSUL_HTTP_TOKEN holds a token that Consul knows"
    RIGHTS = (
        'give the token service_prefix "" { policy = "write" },'
        ' node_prefix "" { policy = "read" } and agent_prefix "" { policy = "read" }'
    )
    BLOCKED = "remove the path from `block_endpoints` in `http_config` of the agent"
    NO_WRITES = (
        "add this host's network to `allow_write_http_from` in `http_config` of the agent; reading"
        " works without it"
    )
    BETWEEN = "this answer is not Consul's own: check for a proxy between syncer and the agent"
    OTHER = "check that the agent is running, and that the address is right"


#: How Consul words its refusals, in lower case.
_WORDS = {
    "acl not found": Meaning.TOKEN,
    "permission denied": Meaning.RIGHTS,
    "endpoint is blocked": Meaning.BLOCKED,
    "access is restricted": Meaning.NO_WRITES,
}


def meaning(error: SyncerError) -> Meaning:
    """Return why a request was refused, as far as the words and the status tell."""
    if not isinstance(error, Refused):
        return Meaning.OTHER
    reason = error.reason.lower()
    for words, found in _WORDS.items():
        if words in reason:
            return found
    return Meaning.BETWEEN if error.code in (403, 405) else Meaning.OTHER
