//! At most once, whatever breaks: the program is killed as by `kill -9` in the middle of its work, is
//! started again on the same notice, and the server counts what it got.
//!
//! The normal run takes a sample of the moments. `SOAK_KILLS=1000 cargo test --test soak` kills that often.

mod alice;
mod phases;
mod trial;
