"""The status page, its API and the metrics: the extra `web`.

    server.py       runs waitress in threads
    connections.py  closes slow connections
    app.py          routes requests, and refuses some
    api.py          the answers, as JSON types
    lists.py        parts of lists, as requests ask for them
    rows.py         desired and registered instances, joined
    services.py     rows, counted and grouped by service
    board.py        keeps the latest log lines; the state of each part is in `syncer.events.status`
    streams.py      live log lines
    metrics.py      events as metrics
    static/         the page: HTML, CSS and JavaScript modules; page.js is the first

Nothing here is imported unless a page is configured.
"""
