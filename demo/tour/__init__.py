"""The tour: what a cluster network has to do, each shown with real packets between real containers."""
