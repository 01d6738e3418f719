"""The doors: command lines and pages through which people and programs reach the agent."""
