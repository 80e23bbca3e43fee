//! Inputs made of other inputs, without knowing what they are.

use fastrand::Rng;

/// Numbers at which things go wrong.
const NUMBERS: [i64; 14] = [
    0,
    1,
    -1,
    2,
    61,
    127,
    128,
    255,
    i16::MAX as i64,
    i16::MIN as i64,
    i32::MAX as i64,
    i32::MIN as i64,
    i64::MAX,
    i64::MIN,
];

/// No input grows beyond this.
const MOST_BYTES: usize = 64 << 10;

pub(crate) fn one(corpus: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut data = pick(corpus, random).clone();
    for _ in 0..random.usize(1..8) {
        change(&mut data, corpus, random);
    }
    data.truncate(MOST_BYTES);
    data
}

fn pick<'a>(corpus: &'a [Vec<u8>], random: &mut Rng) -> &'a Vec<u8> {
    &corpus[random.usize(0..corpus.len())]
}

fn change(data: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Rng) {
    if data.is_empty() {
        data.push(random.u8(..));
        return;
    }
    let at = random.usize(0..data.len());
    let some = random.usize(at..=data.len().min(at + 64));
    match random.u8(0..9) {
        0 => data[at] ^= 1 << random.u8(0..8),
        1 => data[at] = random.u8(..),
        2 => data.truncate(at),
        3 => drop(data.drain(at..some)),
        4 => {
            let again = data[at..some].to_vec();
            data.splice(at..at, again);
        }
        5 => {
            let other = pick(corpus, random);
            let from = random.usize(0..=other.len());
            let to = random.usize(from..=other.len());
            data.splice(at..some, other[from..to].iter().copied());
        }
        6 | 7 => {
            let number = match random.u8(0..3) {
                0 => NUMBERS[random.usize(0..NUMBERS.len())],
                // Nearly right: a length, perhaps.
                1 => data.len() as i64 - at as i64 + random.i64(-9..9),
                _ => random.i64(..) >> random.u8(0..64),
            };
            let width = [1, 2, 4, 8][random.usize(0..4)];
            let bytes = number.to_be_bytes();
            let end = data.len().min(at + width);
            data[at..end].copy_from_slice(&bytes[8 - width..8 - width + (end - at)]);
        }
        _ => {
            let mut number = random.u32(..) >> random.u8(0..32);
            let mut varint = Vec::new();
            while number >= 0x80 {
                varint.push(number as u8 | 0x80);
                number >>= 7;
            }
            varint.push(number as u8);
            let end = data.len().min(at + varint.len());
            data.splice(at..end, varint);
        }
    }
}
