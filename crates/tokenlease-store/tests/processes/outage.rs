//! Stores that fail, and those who hold a lease meanwhile.
