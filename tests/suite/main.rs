//! The whole suite in one binary: through the front door wherever there is one.

mod any_order;
mod bad_input;
mod cli;
mod feed;
mod golden;
mod payloads;
mod reads;
mod rules;
mod store;
mod stories;
mod tidy;
mod webhook;
mod world;
