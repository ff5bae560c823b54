"""The status page, its API and the metrics: the extra `web`. `server.py` puts it together.

    server.py   waitress in threads; starts and stops
    app.py      which request is answered by what, and which is refused
    api.py      the answers, as JSON types
    rows.py     what should be and what is, joined by instance
    board.py    listens to the engine, and remembers
    static/     the page: one HTML, one CSS, one JavaScript file

Nothing here is imported unless a page is asked for.
"""
