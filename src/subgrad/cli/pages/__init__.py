"""The pages that ``--report`` writes: what a job knows of its model, for `subgrad.report`."""
