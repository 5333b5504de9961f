"""Networks of published metrics, written so that their published weights fit; they come with none."""
