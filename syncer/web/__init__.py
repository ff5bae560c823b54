"""The status page, its API and the metrics: the extra `web`.

    server.py       runs waitress in threads
    connections.py  closes slow connections
    app.py          routes requests, and refuses some
    api.py          the answers, as JSON types
    rows.py         desired and registered instances, joined
    board.py        keeps the latest log lines; the state of each part is in `syncer.events.status`
    streams.py      live log lines
    metrics.py      events as metrics
    static/         the page: HTML, CSS and JavaScript modules; page.js is the first

Nothing here is imported unless a page is configured.
"""
