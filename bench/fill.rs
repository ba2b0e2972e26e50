//! `fill FOLDER MEGABYTES SEED`: files of which a third is noise, a third text, and a third a table of small numbers.
//!
//! The layer that `cargo xtask bench` compresses: the same bytes for the same seed anywhere. Compiled with rustc alone,
//! and run both in a RUN and beside it.

use std::io::Write;

/// What one file has.
const SIZE: usize = 10_000_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, megabytes, seed] = args.as_slice() else { panic!("fill FOLDER MEGABYTES SEED") };
    let megabytes: usize = megabytes.parse().expect("a number of megabytes");
    let mut dice = Dice(seed.parse::<u64>().expect("a seed is a number") | 1 << 32);
    std::fs::create_dir_all(folder).expect("make the folder");
    let mut left = megabytes * 1_000_000;
    for number in 0.. {
        let size = left.min(SIZE);
        if size == 0 {
            return;
        }
        let mut bytes = match number % 3 {
            0 => noise(&mut dice, size),
            1 => text(&mut dice, size),
            _ => table(&mut dice, size),
        };
        bytes.truncate(size);
        std::fs::write(format!("{folder}/{number}"), bytes).expect("write a file");
        left -= size;
    }
}

fn noise(dice: &mut Dice, size: usize) -> Vec<u8> {
    (0..=size / 8).flat_map(|_| dice.next().to_le_bytes()).collect()
}

fn text(dice: &mut Dice, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 100);
    while bytes.len() < size {
        let (when, who, what) = (dice.next() % 86400, dice.next() % 5000, dice.next() % 1000);
        writeln!(bytes, "{when:05} user-{who} asked for /items/{what} and waited {} ms", who * what % 97)
            .expect("a vector takes all");
    }
    bytes
}

fn table(dice: &mut Dice, size: usize) -> Vec<u8> {
    (0..=size / 8).flat_map(|_| (dice.next() & dice.next() & 0x0f03_000f_0007_000f).to_le_bytes()).collect()
}

/// Marsaglia's xorshift: from a number to the next, and never 0.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
