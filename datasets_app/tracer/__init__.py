"""Where does this code come from? The service about the engine ``datasets_app.tracing``: what is public of it, for pages, API and
the floors above."""
