//! SQLite: the only room that names `rusqlite`.

pub(super) mod read;
