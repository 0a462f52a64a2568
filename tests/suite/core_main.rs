mod any_order;
mod core;
mod stories;
