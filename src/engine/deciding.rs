//! What the visitor has decided: whether anything is kept and sent at all.

use crate::{
    engine::{account::Account, io::Output, report::Report, traffic::Traffic},
    intake::Intake,
    metrics::Metrics,
    model::store::Store,
    tabs::peer::Says,
    visitor::{
        consent::{Answer, Consent},
        keeper::Keeper,
    },
};

/// The parts that a decision concerns.
pub(super) struct Deciding<'a> {
    pub(super) traffic: &'a mut Traffic,
    pub(super) intake: &'a mut Intake,
    pub(super) keeper: &'a mut Keeper,
    pub(super) metrics: &'a mut Metrics,
    /// Nothing is stored or sent until he wants it.
    pub(super) denied: &'a mut bool,
    /// The decision is to be remembered.
    pub(super) persists: bool,
}

impl Deciding<'_> {
    /// He has decided, here.
    pub(super) fn decide(&mut self, consent: Consent, store: &mut dyn Store) {
        self.intake
            .set_marketing(consent.marketing == Answer::Granted);
        if consent.analytics == Answer::Denied {
            if !*self.denied {
                self.traffic.post(Says::Withdrawn);
                self.withdraw(consent, store);
            }
            return;
        }
        if core::mem::replace(self.denied, false) {
            self.traffic.own.stream.left = false;
            self.traffic.join();
        }
        if self.persists {
            self.keeper.visitor_mut().consent = Some(consent);
            self.keeper.visitor_mut().touch();
        }
        report(&mut self.traffic.account, consent);
    }

    /// He does not want it: here, or in another tab.
    pub(super) fn withdraw(&mut self, consent: Consent, store: &mut dyn Store) {
        *self.denied = true;
        for id in self.metrics.abort() {
            self.traffic.account.output(Output::Cancel(id));
        }
        self.traffic.withdraw(store);
        self.keeper.forget(&mut self.traffic.rng);
        self.traffic.account.report(Report::Visitor);
        report(&mut self.traffic.account, consent);
    }
}

fn report(account: &mut Account, consent: Consent) {
    account.report(Report::Consent {
        analytics: consent.analytics.word(),
        marketing: consent.marketing.word(),
    });
}
