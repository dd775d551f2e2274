//! The baseline of a program that finds its token in a folder: it reads the key and the record, opens the
//! record, and prints the token. It checks nothing else.
//!
//! Arguments: the folder, the record's name, and the server, user and client of the identity.

use std::{env, fs, path::Path};

use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use tokenlease_core::{Identity, Key, record::Record};

/// The length of the header of a record's file.
const FILE_HEADER: usize = 45;
/// The length of the first bytes of a sealed record, and of its nonce.
const SEAL: usize = 5;
const NONCE: usize = 24;
const TAG: usize = 16;
/// The length of the emulator's tokens.
const TOKEN: usize = 64;

fn main() {
    let args: Vec<_> = env::args().skip(1).collect();
    let [folder, name, server, user, client] = args.as_slice() else { panic!("five arguments") };
    let folder = Path::new(folder);
    let key: [u8; 32] = fs::read(folder.join("key")).unwrap().try_into().unwrap();
    let file = fs::read(folder.join(format!("{name}.record"))).unwrap();
    let (nonce, sealed) = file[FILE_HEADER + SEAL..].split_at(NONCE);
    let (text, tag) = sealed.split_at(sealed.len() - TAG);
    let mut record = text.to_vec();
    let mut context = vec![1];
    context.extend(Identity::wyn(server, user, client).unwrap().canonical());
    let derived = Key::new(key).mac("tokenlease record", &[&[1]]);
    XChaCha20Poly1305::new((&derived).into())
        .decrypt_inout_detached(
            &XNonce::try_from(nonce).unwrap(),
            &context,
            record.as_mut_slice().into(),
            tag.try_into().unwrap(),
        )
        .unwrap();
    Record::decode(&record).unwrap();
    let token = record.windows(TOKEN).find(|text| text.iter().all(u8::is_ascii_hexdigit));
    println!("{}", std::str::from_utf8(token.unwrap()).unwrap());
}
