//! How much the agents of a project may be told: so many nudges at once, and so many more a minute.

use jiff::SignedDuration;

use super::{NudgeId, Timestamp};

/// How much a project's agents may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetRule {
    /// Nudges that may go out at once, at least 1.
    pub burst: u32,
    /// Nudges that may follow in each minute, at least 1.
    pub per_minute: u32,
}

impl Default for BudgetRule {
    fn default() -> Self {
        Self { burst: 30, per_minute: 1 }
    }
}

impl BudgetRule {
    /// In what time one nudge is earned.
    fn interval(self) -> SignedDuration {
        SignedDuration::from_millis(60_000 / i64::from(self.per_minute.clamp(1, 60_000)))
    }

    fn times(self, nudges: u32) -> SignedDuration {
        self.interval().saturating_mul(i32::try_from(nudges).unwrap_or(i32::MAX))
    }
}

/// What a project has spent of its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How much it may be.
    pub rule: BudgetRule,
    /// When all will have been earned again, were nothing more said.
    pub spent_until: Timestamp,
    /// The nudge that told the human of it, since it was last whole.
    pub told: Option<NudgeId>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::whole(BudgetRule::default())
    }
}

impl Budget {
    /// One of which nothing was spent.
    pub const fn whole(rule: BudgetRule) -> Self {
        Self { rule, spent_until: Timestamp::UNIX_EPOCH, told: None }
    }

    /// Whether nothing of it is spent by now.
    pub fn is_whole(self, now: Timestamp) -> bool {
        self.spent_until <= now
    }

    /// The budget after one more nudge.
    ///
    /// # Errors
    /// There is no room for one; when there will be.
    pub fn spend(self, now: Timestamp) -> Result<Self, Timestamp> {
        let rule = self.rule;
        let from = self.spent_until.max(now);
        let add = |at: Timestamp, span| at.checked_add(span).unwrap_or(Timestamp::MAX);
        let spent_until = add(from, rule.interval());
        if spent_until <= add(now, rule.times(rule.burst.max(1))) {
            return Ok(Self { spent_until, ..self });
        }
        let room = rule.times(rule.burst.max(1)) - rule.interval();
        Err(from.checked_sub(room).unwrap_or(now).max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_out_and_then_one_a_minute() {
        let rule = BudgetRule { burst: 3, per_minute: 1 };
        let at = |seconds: i64| Timestamp::from_second(1_000 + seconds).unwrap();
        let mut budget = Budget::whole(rule);
        for _ in 0..3 {
            budget = budget.spend(at(0)).unwrap();
        }
        assert_eq!(budget.spend(at(0)), Err(at(60)));
        assert_eq!(budget.spend(at(59)), Err(at(60)));
        budget = budget.spend(at(60)).unwrap();
        assert_eq!(budget.spend(at(61)), Err(at(120)));
        assert!(!budget.is_whole(at(239)) && budget.is_whole(at(240)));
        let poor = BudgetRule { burst: 0, per_minute: 0 };
        assert!(
            Budget::whole(poor).spend(at(0)).is_ok(),
            "a rule that makes no sense stops nothing"
        );
    }
}
