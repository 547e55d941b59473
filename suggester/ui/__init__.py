"""The review app: pages and routes of ``suggester serve``. No domain logic: that is the review service's."""
