//! A zip archive in memory, as workbooks and Word documents are: deflate, no directories, no time of day.
//!
//! Source: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16. Written here because the crates for it switch on features that
//! the data-frame engine would have to be rebuilt with.

use crate::error::{Problem, Problems, codes};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// 1 January 1980, the first day that the format knows.
const DAY: u16 = 1 << 5 | 1;

/// The archive of these files in this order. Errors: `G901` for more than 4 GB.
pub fn archive(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, Problems> {
    let bug = |e: String| vec![Problem::error(codes::G901, format!("an archive cannot be written: {e}"))];
    let small = |n: usize| u32::try_from(n).map_err(|_| bug("it is larger than 4 GB".to_owned()));
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut crc = Crc::new();
        crc.update(bytes);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).map_err(|e| bug(e.to_string()))?;
        let packed = encoder.finish().map_err(|e| bug(e.to_string()))?;
        let at = small(out.len())?;
        // Version 2.0, UTF-8 names, deflate, date; checksum and sizes; length of the name, no extra field.
        let mut header = Vec::new();
        for half in [20u16, 0x0800, 8, 0, DAY] {
            header.extend(half.to_le_bytes());
        }
        for word in [crc.sum(), small(packed.len())?, small(bytes.len())?] {
            header.extend(word.to_le_bytes());
        }
        header.extend((name.len() as u16).to_le_bytes());
        header.extend(0u16.to_le_bytes());
        out.extend(0x0403_4b50u32.to_le_bytes());
        out.extend(&header);
        out.extend(name.as_bytes());
        out.extend(&packed);
        directory.extend(0x0201_4b50u32.to_le_bytes());
        directory.extend(20u16.to_le_bytes());
        directory.extend(&header);
        // Comment, disk, internal and external attributes.
        directory.extend([0u8; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, size, n) = (small(out.len())?, small(directory.len())?, files.len() as u16);
    out.extend(directory);
    out.extend(0x0605_4b50u32.to_le_bytes());
    out.extend([0u8; 4]);
    out.extend(n.to_le_bytes());
    out.extend(n.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    Ok(out)
}
