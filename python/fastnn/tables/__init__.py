"""Tables of numbers and text as rows of numbers: FeatureSpace."""
