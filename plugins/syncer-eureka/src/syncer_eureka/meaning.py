"""The meaning of a status of Eureka's, which depends on what was asked."""

from syncer.kits.http import Response
from syncer_eureka.server import Server

#: How paths are to be written.
PATHS = "the path is part of the URL: /eureka/ of Spring Cloud's server, /eureka/v2/ of Netflix's"
_LOGIN = "user and password are missing or wrong"
_NOT_READ = "it cannot be read now (the server has just started, or permissions are missing)"
_NOT_WRITTEN = (
    "writing is refused: is CSRF protection on for /eureka/** (Spring Security), or does the"
    " user lack the right?"
)


def meaning(method: str, server: Server, answer: Response) -> str:
    """Return what an answer that was not expected means, with the server's own words."""
    hint = _hint(method, server, answer)
    said = answer.reason()
    return "".join((str(answer.code), f": {hint}" if hint else "", f" ({said})" if said else ""))


def _hint(method: str, server: Server, answer: Response) -> str:
    if moved := answer.redirect(server.address.path):
        return moved.replace("set this as the address", "set this as URL")
    writes = method != "GET"
    if answer.code == 400 and "_" in server.address.host:
        return "servers such as Tomcat refuse names of hosts with an underscore: use another name"
    if answer.code == 405 and writes:
        return f"{method} is not allowed: is a proxy in front of it read-only?"
    return {
        401: _LOGIN,
        403: _NOT_WRITTEN if writes else _NOT_READ,
        404: "is the path of the URL right (/eureka/ or /eureka/v2/)?",
    }.get(answer.code, "")
