"""`sinefit upscale`: from files to larger ones, a fit and a render in one."""
