"""A training feed on the device: photographs decoded once, samples drawn where the network runs.

`feed.DeviceFeed` takes the place of `training.feed.Feed`; what is drawn, and how often, follows the
same settings.
"""
