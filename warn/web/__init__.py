"""The web: shows incidents to the person on call, and decides nothing.

`store` is a throw-away copy of `[incidents]`, `[evidence]` and `[history]`, filled by `follow`; `pages` renders it,
`api` gives it as JSON, `operations` answers machines; `routes.build` puts them together and `server` serves them
inside the daemon's own event loop. Everything that people wrote is hostile here: see `hostile`.
"""
