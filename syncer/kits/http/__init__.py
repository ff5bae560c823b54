"""For plugins whose registry or runtime speaks HTTP: connections, TLS, failover, errors.

Public for plugin authors, in addition to `syncer` itself. Needs urllib3, which the core does not:
a plugin requires `syncer-core[http]`, and imports this only when its source or sink is made.

`HttpClient` sends requests to one server: every request ends within its deadline, and raises
nothing but `TemporaryError`. `TlsFiles` are its certificates, as they are now. `Response` reads
the answer, and turns a refusal into an error with a reason that shows no secret. `Failover` works
with several servers that are equals. `open_pool` and `Deadline` give a client library connections
of the same kind.
"""

from syncer.kits.http.access import basic_auth as basic_auth
from syncer.kits.http.client import HttpClient as HttpClient
from syncer.kits.http.connections import Dial as Dial
from syncer.kits.http.connections import dial_unix as dial_unix
from syncer.kits.http.connections import open_pool as open_pool
from syncer.kits.http.deadline import Deadline as Deadline
from syncer.kits.http.failover import Failover as Failover
from syncer.kits.http.parallel import each as each
from syncer.kits.http.response import Failed as Failed
from syncer.kits.http.response import Refused as Refused
from syncer.kits.http.response import Response as Response
from syncer.kits.tls import TlsFiles as TlsFiles
