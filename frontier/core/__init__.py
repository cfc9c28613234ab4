"""Values, errors and limits that everything stands on."""
