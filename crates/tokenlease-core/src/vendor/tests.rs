//! Tests of the seam: what the machine is told.
