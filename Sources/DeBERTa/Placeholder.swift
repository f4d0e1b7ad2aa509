// Placeholder: replaced by the first file of DeBERTa.
