"""The exact toolbox of the non-negative LASSO: normalised columns, active sets in QR form, the complete path."""
