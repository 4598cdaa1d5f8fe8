"""From home-services call transcripts to valid, attributed job requests."""
