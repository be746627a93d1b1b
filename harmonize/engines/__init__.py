"""Engines: where batches of subjects are worked on. `local` is this machine; `spark` is planned."""
