"""HTTP for hosts that are not Python: scans in, reports out (``xrayscan serve``, extra ``serve``)."""
