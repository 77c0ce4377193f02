"""The fit: budget, schedule, sampling, engines and the loop."""
