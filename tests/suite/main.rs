//! The whole suite in one binary: through the front door wherever there is one.

mod any_order;
mod crash;
mod faults;
mod golden;
mod golden_sequences;
mod notify;
mod payloads;
mod rules;
mod stories;
mod world;
