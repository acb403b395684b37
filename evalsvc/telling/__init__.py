"""Others are told of a run: webhooks while it goes and when it ends, experiment trackers when its files are derived."""
