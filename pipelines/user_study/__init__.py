"""User studies: blinded videos on a page that works from a file, and scores from the answers that it saves."""
