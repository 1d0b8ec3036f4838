"""Every word the bot says."""
