"""Stationarity with certificates: the search for them, their files, their independent check, intervals over boxes."""
