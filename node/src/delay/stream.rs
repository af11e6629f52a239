//! Named streams of random numbers: the same seed and name give the same numbers anywhere.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// The ChaCha8 stream of this name under `seed`.
///
/// The stream's number is the name's 64-bit FNV-1a hash (Fowler, Noll and Vo, RFC 9923): far
/// from the small numbers of the writes, whose delays are drawn under the same seed.
pub fn named_stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(fnv_1a(name));
    rng
}

fn fnv_1a(name: &str) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    name.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn the_hash_has_its_published_values() {
        assert_eq!(fnv_1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn seed_and_name_both_make_the_stream() {
        let first = |seed, name| named_stream(seed, name).next_u64();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
    }
}
