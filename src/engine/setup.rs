//! What the engine starts from: the parts as they are made of configuration and host.

use crate::{
    delivery::{Delivery, destination::Destination, lane::Lane, sizing::Sizing},
    engine::{
        account::Notice,
        config::{Config, MultiTabMode},
        io::{Host, Keeps},
        own::{Bounds, Own},
        traffic::{Terms, Traffic},
    },
    intake::{Intake, IntakeContext, call::Call, early::current},
    journal::{cursor::Owed, log::Log, reading::Found, stream::Stream},
    metrics::{Metrics, MetricsConfig},
    model::{event::Entry, ids::TabId, rng::Rng, store::Store, time::Now},
    tabs::Tabs,
    text::fields::fields,
    visitor::keeper::Keeper,
    wire::Format,
};

/// What the traffic starts from.
pub(super) fn traffic(
    config: &Config,
    destinations: Vec<Destination>,
    owed: Vec<Owed>,
    host: &Host,
    mut rng: Rng,
    now: Now,
) -> Traffic {
    let me = TabId::parse(&host.tab).unwrap_or_else(|| TabId::random(&mut rng));
    let terms = Terms {
        project: host.project.clone(),
        prefix: host.key_prefix(),
        flush_at: config.flush_at as usize,
        batch_events: config.max_batch_size as usize,
        storage_bytes: config.max_storage_bytes as usize,
        max_age_ms: config.max_event_age_ms,
        independent: config.multi_tab_mode == MultiTabMode::Independent,
        has_channel: host.has_channel,
        has_storage: host.has_storage(),
    };
    let bounds = Bounds {
        events: config.max_queue_size as usize,
        storage_bytes: terms.storage_bytes,
        has_storage: host.has_storage(),
    };
    let log = Log::new(me, host.sdk(), host.context.clone());
    let own = Own::new(log, &host.project, host.key_prefix(), &owed, bounds);
    let sizing = sizing(config);
    let lanes = destinations.into_iter().enumerate();
    let lanes = lanes.map(|(index, one)| Lane::new(index, one, sizing));
    let delivery = Delivery::new(lanes.collect(), config.rules(host));
    let tabs = Tabs::new(me, host.visible, &host.project);
    Traffic::new(terms, owed, (own, delivery, tabs), rng, now)
}

/// What makes events of calls.
pub(super) fn intake(config: &Config, host: &Host) -> Intake {
    let objects = host.gpc && config.respect_gpc || host.dnt && config.respect_dnt;
    let (arrival, session) = (host.arrival(), &host.session_id);
    Intake::new(config.intake.clone(), arrival, session, !objects)
}

/// A tab begins: what is in its way is told, and the others hear of it.
pub(super) fn begin(traffic: &mut Traffic, host: &Host, store: &mut dyn Store) {
    let now = traffic.now;
    traffic.own.set_page(&host.page);
    traffic.own.weigh(now, store);
    if host.storage == Keeps::Nothing {
        traffic.account.notice(Notice::StorageUnavailable);
    }
    // What is no page has none to talk to: Node's is not heard by other processes, and edge runtimes have none.
    if !host.has_channel && host.runtime == Host::PAGE {
        traffic.account.notice(Notice::ChannelUnavailable);
    }
    if !host.online {
        traffic.delivery.on_network_hint(now.mono, false);
    }
    traffic.join();
}

/// Makes events of the calls that the facade kept while the engine was loading, in a page that did not live to see
/// it: under the identity that is in force here, and each by its place, so that whoever reads it makes the same.
pub(super) fn early(intake: &Intake, keeper: &Keeper, found: &mut Found) {
    let Some(records) = found.early.take() else {
        return;
    };
    let (mut visitor, mut page) = (keeper.visitor().clone(), 0);
    let (mut intake, mut rng) = (intake.of_another_page(), Rng::new(found.newest_at.0));
    let Stream { log, cursors, .. } = &mut found.stream;
    for (seq, record) in (1..).zip(fields(&records, b'\n')) {
        let record = current(record);
        if let Some(text) = Call::page_of(&record) {
            page = log.page(&intake.clean_page(text));
        }
        let mut at = IntakeContext {
            visitor: &mut visitor,
            rng: &mut rng,
        };
        let taken = Call::parse(&record).and_then(|call| intake.take(&call, &mut at));
        let draft = taken.ok().and_then(|taken| taken.drafts.into_iter().next());
        let is_done = cursors.iter().all(|cursor| cursor.done().has(seq));
        if let Some(draft) = draft.filter(|_| !is_done) {
            let text = draft.encode(log.tab, seq);
            log.insert(Entry { seq, page, text });
        }
    }
}

/// The second stream.
pub(super) fn metrics(
    config: &Config,
    format: Box<dyn Format>,
    host: &Host,
    tab: TabId,
) -> Metrics {
    let storage_bytes = if host.has_storage() {
        config.max_storage_bytes
    } else {
        0
    };
    let config_of_metrics = MetricsConfig {
        format,
        sdk: host.sdk(),
        context: host.context.clone(),
        prefix: host.key_prefix(),
        queue_max: config.max_metrics_queue_size as usize,
        interval_ms: config.metrics_flush_interval_ms.into(),
        retry: config.rules(host).retry,
        has_keepalive: host.has_keepalive,
        storage_bytes: storage_bytes as usize,
    };
    Metrics::new(config_of_metrics, tab, sizing(config))
}

fn sizing(config: &Config) -> Sizing {
    Sizing::new(config.max_payload_bytes as usize, config.timeout_ms.into())
}
