"""A page for a board without a screen: the picture, what is recognised, and how the board is. Extra ``[serve]``.

The sink is `edgevtn.sinks.page.sink.Page`.
"""
