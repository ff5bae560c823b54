"""The status page, its API and the metrics: the extra `web`. `server.py` puts it together.

    server.py   waitress in threads; starts and stops
    connections.py  which connections are let go of, so that nobody keeps the others out
    app.py      which request is answered by what, and which is refused
    api.py      the answers, as JSON types
    rows.py     what should be and what is, joined by instance
    board.py    listens to the engine, and remembers
    streams.py  live lines
    static/     the page: HTML, CSS and JavaScript modules, of which page.js is the first

Nothing here is imported unless a page is asked for.
"""
