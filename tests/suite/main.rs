//! The whole suite in one binary: through the front door wherever there is one.

mod any_order;
mod golden;
mod live;
mod payloads;
mod rules;
mod stories;
mod world;
