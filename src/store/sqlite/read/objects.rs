//! Any object by its name.

use rusqlite::{Connection, Result};

use super::deliveries::delivery;
use super::nudges::nudge;
use super::projects::project;
use super::sessions::{of_launch, session};
use crate::store::views::{ObjectRef, ObjectView};

/// The object as it is; `None`: there is none of that name.
pub(crate) fn object(on: &Connection, named: &ObjectRef) -> Result<Option<ObjectView>> {
    Ok(match named {
        ObjectRef::Project(id) => project(on, &id.0)?.map(ObjectView::Project),
        ObjectRef::Session(id) => session(on, &id.0)?.map(Box::new).map(ObjectView::Session),
        ObjectRef::Launch(id) => of_launch(on, id)?.map(Box::new).map(ObjectView::Session),
        ObjectRef::Nudge(id) => nudge(on, id.0)?.map(ObjectView::Nudge),
        ObjectRef::Delivery(id) => delivery(on, *id)?.map(ObjectView::Delivery),
    })
}
