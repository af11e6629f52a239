//! What a foreign program prints, in a file of bounded size: the first megabyte and the last.
//!
//! The file begins with the first megabyte. The last one follows as a ring, in which what is new
//! takes the place of what is oldest. Behind the ring stands how many bytes were printed in all, once
//! they are more than the file holds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How much is kept of the beginning.
const HEAD_BYTES: u64 = 1024 * 1024;
/// How much is kept of the end.
const TAIL_BYTES: u64 = 1024 * 1024;
/// How much room the file has from the beginning, so that a node that fills the disk can still say so.
#[cfg(target_os = "linux")]
const RESERVED_BYTES: u64 = 256 * 1024;
/// As long as no more is printed, the file is what was printed.
const HELD_BYTES: u64 = HEAD_BYTES + TAIL_BYTES;

/// A bounded log. Several handles may share its file: one writes, others read.
#[derive(Debug)]
pub(super) struct BoundedLog {
    file: File,
}

impl BoundedLog {
    /// The log in a file, which is empty or holds a log.
    pub(super) fn new(file: File) -> Self {
        Self { file }
    }

    /// Takes room on the disk for the first lines, where the file system can.
    pub(super) fn reserve(&self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, RESERVED_BYTES);
    }

    /// How many bytes were printed in all.
    fn printed(&self) -> io::Result<u64> {
        let length = self.file.metadata()?.len();
        if length <= HELD_BYTES {
            return Ok(length);
        }
        let mut total = [0; 8];
        self.file.read_exact_at(&mut total, HELD_BYTES)?;
        Ok(u64::from_le_bytes(total))
    }

    /// Adds what was printed next.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut printed = self.printed()?;
        while !bytes.is_empty() {
            let (place, room) = place_of(printed);
            let (now, later) = bytes.split_at(room.min(bytes.len() as u64) as usize);
            self.file.write_all_at(now, place)?;
            printed += now.len() as u64;
            bytes = later;
        }
        if printed > HELD_BYTES { self.file.write_all_at(&printed.to_le_bytes(), HELD_BYTES) } else { Ok(()) }
    }

    /// The kept output, with a line in place of what was dropped.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let printed = self.printed()?;
        if printed <= HELD_BYTES {
            return self.part(0, printed);
        }
        let mut kept = self.part(0, HEAD_BYTES)?;
        let note = format!("\n[labctl: {} bytes of this log are not kept]\n", printed - HELD_BYTES);
        kept.extend(note.into_bytes());
        kept.extend(self.tail(printed)?);
        Ok(kept)
    }

    /// The kept output after this number of printed bytes, and how many bytes were printed in all.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn since(&self, seen: u64) -> io::Result<(Vec<u8>, u64)> {
        let printed = self.printed()?;
        if printed <= HELD_BYTES {
            return Ok((self.part(seen.min(printed), printed.saturating_sub(seen))?, printed));
        }
        let mut kept = self.tail(printed)?;
        let new = usize::try_from(printed.saturating_sub(seen)).map_err(io::Error::other)?;
        Ok((kept.split_off(kept.len().saturating_sub(new)), printed))
    }

    /// The ring from its oldest byte on, which is the one that would be overwritten next.
    fn tail(&self, printed: u64) -> io::Result<Vec<u8>> {
        let (oldest, room) = place_of(printed);
        let mut tail = self.part(oldest, room)?;
        tail.extend(self.part(HEAD_BYTES, oldest - HEAD_BYTES)?);
        Ok(tail)
    }

    fn part(&self, place: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, place)?;
        Ok(bytes)
    }
}

/// Where the byte goes that follows `printed` others, and how many bytes fit from there on
/// without a break.
fn place_of(printed: u64) -> (u64, u64) {
    if printed < HELD_BYTES {
        return (printed, HELD_BYTES - printed);
    }
    let offset = (printed - HEAD_BYTES) % TAIL_BYTES;
    (HEAD_BYTES + offset, TAIL_BYTES - offset)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// What is printed: each byte tells its place to some extent.
    fn output(length: u64) -> Vec<u8> {
        (0..length).map(|place| u8::try_from((place + place / 251) % 251).unwrap()).collect()
    }

    /// What is kept after this was printed in pieces of a length.
    fn kept(printed: &[u8], piece: usize) -> Vec<u8> {
        let log = BoundedLog::new(tempfile::tempfile().unwrap());
        for piece in printed.chunks(piece) {
            log.write(piece).unwrap();
        }
        log.read().unwrap()
    }

    #[test]
    fn all_is_kept_as_long_as_it_fits() {
        for length in [0, 1, 999, HEAD_BYTES, HELD_BYTES - 1, HELD_BYTES] {
            let printed = output(length);
            assert!(kept(&printed, 65_536) == printed, "{length}");
        }
    }

    #[test]
    fn of_more_the_beginning_and_the_end_are_kept() {
        for (length, piece) in [
            (HELD_BYTES + 1, 999_983),
            (HELD_BYTES + TAIL_BYTES, 65_536),
            (HELD_BYTES + 3 * TAIL_BYTES + 17, 100_003),
            (6 * HELD_BYTES, usize::try_from(5 * HELD_BYTES).unwrap()),
        ] {
            let printed = output(length);
            let kept = kept(&printed, piece);
            let (head, tail) = (usize::try_from(HEAD_BYTES).unwrap(), usize::try_from(TAIL_BYTES).unwrap());
            assert!(kept[..head] == printed[..head], "{length}");
            assert!(kept[kept.len() - tail..] == printed[printed.len() - tail..], "{length}");
            let note = String::from_utf8(kept[head..kept.len() - tail].to_vec()).unwrap();
            assert_eq!(note, format!("\n[labctl: {} bytes of this log are not kept]\n", length - HELD_BYTES));
        }
    }

    #[test]
    fn a_second_writer_goes_on_where_the_first_ended() {
        let file = tempfile::tempfile().unwrap();
        BoundedLog::new(file.try_clone().unwrap()).write(b"first\n").unwrap();
        let second = BoundedLog::new(file);
        second.write(b"second\n").unwrap();
        assert_eq!(second.read().unwrap(), b"first\nsecond\n");
    }

    #[test]
    fn what_is_new_is_told_also_of_a_log_that_is_full() {
        let log = BoundedLog::new(tempfile::tempfile().unwrap());
        let (mut seen, mut told) = (0, Vec::new());
        let printed = output(2 * HELD_BYTES + 5);
        for piece in printed.chunks(700_001) {
            log.write(piece).unwrap();
            let (new, now) = log.since(seen).unwrap();
            seen = now;
            told.extend(new);
        }
        assert!(told == printed);
        assert_eq!(log.since(seen).unwrap(), (Vec::new(), printed.len() as u64));
        assert_eq!(log.since(0).unwrap().0.len() as u64, TAIL_BYTES);
    }
}
