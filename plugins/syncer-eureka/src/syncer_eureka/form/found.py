"""Where Eureka's consumers find an instance: metadata gives it more names and addresses."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from syncer import FoundAs, Instance
from syncer_eureka.form.label_settings import settings_in, split_vips

#: Metadata by which Spring Boot Admin finds an instance elsewhere: an address, and a URL.
_MANAGEMENT, _LINK = "management.address", "service-url"


def found_as(instance: Instance) -> FoundAs:
    """Return the application and vips of an adjusted instance, its addresses and hosts of URLs."""
    settings = settings_in(instance.meta)
    names = split_vips(f"{instance.service},{settings.vip},{settings.secure_vip}")
    return FoundAs(names, _addresses(instance))


def _addresses(instance: Instance) -> Iterator[str]:
    settings, meta = settings_in(instance.meta), instance.meta
    urls = (settings.home_page_url, settings.status_page_url, settings.health_check_url)
    yield instance.address
    yield from filter(None, (settings.hostname, meta.get(_MANAGEMENT)))
    for url in (*urls, meta.get(_LINK, "")):
        if url and not url.startswith("/"):  # such a path is one of the instance itself
            yield _host(url)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
