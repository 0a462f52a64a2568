//! The whole suite in one binary: through the front door wherever there is one.

mod any_order;
mod api;
mod bad_input;
mod cli;
mod commands;
mod conversation;
mod crash;
mod engine;
mod faults;
mod feed;
mod golden;
mod golden_sequences;
mod live;
mod notify;
mod payloads;
mod reads;
mod rules;
mod store;
mod stories;
mod tidy;
mod webhook;
mod world;
