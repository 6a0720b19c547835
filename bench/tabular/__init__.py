"""The answers of models for tables on real tables: what the defaults were chosen on, and peers beside them."""
