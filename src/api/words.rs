//! The enumerations of the contract in the description of the API.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::{
    ActivitySource, ActivityState, Adopt, Audience, CheckStatus, CiState, CommentKind,
    DisplayStatus, FailureClass, HeldReason, Mergeability, NudgeKind, NudgeState, OperationKind,
    PrState, Priority, Rerun, ReviewDecision, SessionKind, SessionState, TerminationReason,
};

macro_rules! words {
    ($($name:ident),+ $(,)?) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = $name::ALL.iter().map(|word| word.as_str());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {}
    )+};
}

words!(
    ActivitySource,
    ActivityState,
    Adopt,
    Rerun,
    Audience,
    CheckStatus,
    CiState,
    CommentKind,
    DisplayStatus,
    Mergeability,
    FailureClass,
    HeldReason,
    NudgeKind,
    NudgeState,
    OperationKind,
    PrState,
    Priority,
    ReviewDecision,
    SessionKind,
    SessionState,
    TerminationReason,
);
