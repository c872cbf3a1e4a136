"""The HTTP border: one app, one router for each thing that a client asks for."""
