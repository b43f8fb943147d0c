"""Pages that this program serves: what every such page shares, whatever it shows.

A page's room gives routes and assets; here are its guard (hosts, origins, limits, headers), its
sessions and accounts, its audit log and its server.
"""
