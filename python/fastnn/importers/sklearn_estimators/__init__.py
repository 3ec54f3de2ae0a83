"""scikit-learn's fitted estimators, read by their attributes: networks, linear models, transformers."""
