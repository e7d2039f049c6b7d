"""Studies that publish no patients: pseudo-cohorts on disk, the publication's own analysis, toxicity, context."""
