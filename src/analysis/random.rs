//! Named streams of random numbers: the same seed and name give the same numbers anywhere.

pub(crate) use crate::model::named_stream as stream;
