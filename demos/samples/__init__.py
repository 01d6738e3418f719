"""Sample inputs of the scripted calls, made by `python -m demos.samples.make`."""
