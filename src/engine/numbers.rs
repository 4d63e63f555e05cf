//! What passes between the metrics, the intake that screens them, and the traffic whose budget they share.

use crate::{
    engine::{
        account::Notice,
        io::{Output, Request},
        traffic::Traffic,
    },
    intake::{
        Intake,
        call::{CallError, Record},
    },
    metrics::{Metrics, sample::Sample},
    text::fields::{join, unquoted},
};

/// Takes the record of one metric.
pub(super) fn record(
    metrics: &mut Metrics,
    intake: &Intake,
    traffic: &mut Traffic,
    record: &Record<'_>,
) {
    match read(intake, record) {
        Ok(sample) => {
            if sample.orphan {
                traffic.account.notice(Notice::MetricParentInvalid);
            }
            metrics.record(traffic.now.mono, sample.text);
        }
        Err(error) => {
            let name = unquoted(record.get("name"));
            let detail = join(&["recordMetric(", name, ")"]);
            traffic.account.refuse(error, &detail);
        }
    }
}

fn read(intake: &Intake, record: &Record<'_>) -> Result<Sample, CallError> {
    let name = intake.clean(record.get("name"))?;
    let tags = intake.clean(record.get("tags"))?;
    Sample::read(record, &name, &tags)
}

/// Sends what is due.
pub(super) fn send(metrics: &mut Metrics, traffic: &mut Traffic) {
    let now = traffic.now;
    for id in metrics.on_overdue(now, &mut traffic.rng) {
        traffic.account.output(Output::Cancel(id));
    }
    let delivery = &mut traffic.delivery;
    let room = delivery.flights().keepalive_room();
    let request = metrics.next(now, room, || delivery.name());
    output(metrics, traffic, request);
}

/// Sends what goes out with the page.
pub(super) fn pack(metrics: &mut Metrics, traffic: &mut Traffic, leaving: bool) {
    let (now, delivery) = (traffic.now, &mut traffic.delivery);
    let room = delivery.flights().keepalive_room();
    let requests = metrics.pack(now, leaving, room, || delivery.name());
    output(metrics, traffic, requests);
}

fn output(metrics: &Metrics, traffic: &mut Traffic, requests: impl IntoIterator<Item = Request>) {
    for request in requests {
        traffic.account.output(Output::Send(request));
    }
    traffic.delivery.lend_keepalive(metrics.keepalive_bytes());
}
