"""From accepted codes to billing input: claim drafts, their checks, and every form in which they leave."""
