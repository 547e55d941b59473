"""From a reading to ranked codes: candidates (recall), features, and the ranker (choice)."""
