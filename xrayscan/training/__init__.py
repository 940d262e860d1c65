"""Recipe → weights, card and figures. Needs ``xrayscan[train]``."""
