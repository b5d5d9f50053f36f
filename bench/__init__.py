"""`make bench`: what a Pod costs against a real API server and a real OVN, and what the pure pipeline costs without."""
